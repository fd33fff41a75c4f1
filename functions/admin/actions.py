"""What operators can do, one function per action. Each takes the event and answers with values."""

from datetime import UTC, datetime
from typing import Any

from functions.admin.cursors import cursor_of, position_of
from functions.admin.erasure import erase_subject
from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import MalformedRequest
from shared.revocation import MARKER_SECONDS, end_subject, latest_first, sessions_of
from shared.sealing import digest
from shared.services import Services
from shared.store.keys import ItemKey, organization_digest, subject_digest
from shared.store.records import SessionEntry

PAGE = 50
SCANNED = 500
"""Rows that one invocation looks at for an organization."""


def list_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`user`, and `cursor` from the page before: the sessions of a user, the latest first.

    A cursor is the last session that was shown, so none is shown twice or left out because others
    begin or end between two pages.
    """
    user = _named(event, "user")
    whose = subject_digest(services.settings.issuer, user)
    after = _last_shown(event, whose)
    sessions = [i for i in sessions_of(user, services) if after is None or latest_first(i) > after]
    page = sessions[:PAGE]
    more = len(sessions) > PAGE
    return {
        "sessions": [_shown(item, services) for item in page],
        "cursor": cursor_of(whose, str(page[-1].began_at), page[-1].key) if more else None,
    }


def list_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`organization`, and `cursor`: a part of the sessions of its members. It reads the whole
    table, part by part; a part may be empty while there is a cursor."""
    page = _organization_page(event, services)
    return {"sessions": [_shown(i, services) for i in page[0]], "cursor": page[1]}


def end_session(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`session`, an id as listed. Its listings are not known here, and lapse by themselves."""
    key = f"session#{_named(event, 'session')}"
    there = [item.key for item in services.revocations().sessions([key])]
    services.revocations().delete_sessions(there)
    return {"ended": len(there)}


def end_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`user`: all of a user's sessions, those whose sign-in is in flight included."""
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    return {"ended": end_subject(_named(event, "user"), until=until, services=services)}


def end_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`organization`, and `cursor`: the sessions of a part of the table. Call until there is no
    cursor."""
    items, cursor = _organization_page(event, services)
    services.revocations().delete_sessions([item.key for item in items])
    return {"ended": len(items), "cursor": cursor}


def erase_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`user`: everything that the table holds of a user, with a receipt."""
    user = _named(event, "user")
    erased = erase_subject(user, services)
    now = services.clock()
    return {
        "ended": erased.sessions,
        "receipt": {
            "subject_digest": subject_digest(services.settings.issuer, user),
            "issuer": services.settings.issuer,
            "table": services.settings.table_name,
            "erased_at": _time(now),
            "sessions_deleted": erased.sessions,
            "listings_deleted": erased.listings,
            "left": erased.left,
            "remains": {
                "marker_until": _time(now + MARKER_SECONDS),
                "why": "a digest that keeps a sign-in in flight from making a new session",
                "backups": "sealed rows in point-in-time backups, for as long as those are kept",
            },
        },
    }


def named(event: dict[str, Any], services: Services) -> dict[str, str]:
    """Whom an action is about, as it may be logged: users and organizations as digests."""
    issuer, found = services.settings.issuer, {}
    if isinstance(event.get("user"), str):
        found["subject"] = subject_digest(issuer, event["user"])
    if isinstance(event.get("organization"), str):
        found["organization"] = organization_digest(issuer, event["organization"])
    if isinstance(event.get("session"), str):
        found["session"] = digest("session id", f"session#{event['session']}")
    return found


def _organization_page(
    event: dict[str, Any], services: Services
) -> tuple[tuple[SessionEntry, ...], str | None]:
    name = organization_digest(services.settings.issuer, _named(event, "organization"))
    position = position_of(event.get("cursor"), name)
    start = ItemKey(*position) if position is not None else None
    page = services.revocations().scan_organization(name, start_key=start, limit=SCANNED)
    return page.items, cursor_of(name, *page.next_key) if page.next_key is not None else None


def _last_shown(event: dict[str, Any], whose: str) -> tuple[int, str] | None:
    """The place in the order of sessions that a cursor names."""
    position = position_of(event.get("cursor"), whose)
    if position is None:
        return None
    if not position[0].isdecimal():
        raise MalformedRequest("`cursor` is not one that an answer held")
    return (-int(position[0]), position[1])


def _shown(item: SessionEntry, services: Services) -> dict[str, Any]:
    idle = item.seen_at + services.settings.session_idle_seconds
    return {
        "session": item.key.removeprefix("session#"),
        "session_id_hash": digest("session id", item.key),
        "created": _time(item.began_at),
        "last_seen": _time(item.seen_at),
        "ends_if_unused": _time(min(item.expires_at, idle)),
        "ip": item.client_ip,
        "agent": item.client_agent,
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or not value.isprintable():
        raise MalformedRequest(f"`{name}` is missing or is not an id")
    return value
