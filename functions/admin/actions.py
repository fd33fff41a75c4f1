"""What operators can do, one function per action. Each takes the event and answers with values."""

from datetime import UTC, datetime
from typing import Any

from functions.admin.erasure import erase_subject
from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import MalformedRequest
from shared.revocation import MARKER_SECONDS, end_subject, sessions_of
from shared.sealing import digest
from shared.services import Services
from shared.store.keys import organization_digest, subject_digest
from shared.store.records import SessionEntry

PAGE = 50
SCANNED = 500
"""Rows that one invocation looks at for an organization."""


def list_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`user`, and `cursor` from the page before: the sessions of a user, the latest first."""
    sessions = sessions_of(_named(event, "user"), services)
    start = _offset(event)
    page = sessions[start : start + PAGE]
    more = start + PAGE < len(sessions)
    return {
        "sessions": [_shown(item, services) for item in page],
        "cursor": str(start + PAGE) if more else None,
    }


def list_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`organization`, and `cursor`: a part of the sessions of its members. It reads the whole
    table, part by part; a part may be empty while there is a cursor."""
    page = _organization_page(event, services)
    return {"sessions": [_shown(i, services) for i in page[0]], "cursor": page[1]}


def end_session(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`session`, an id as listed."""
    key = f"session#{_named(event, 'session')}"
    there = [item.key for item in services.revocations().sessions([key])]
    services.revocations().delete(there)
    return {"ended": len(there)}


def end_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`user`: all of a user's sessions, those whose sign-in is in flight included."""
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    return {"ended": end_subject(_named(event, "user"), until=until, services=services)}


def end_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """`organization`, and `cursor`: the sessions of a part of the table. Call until there is no
    cursor."""
    items, cursor = _organization_page(event, services)
    services.revocations().delete([item.key for item in items])
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
            "index_items_deleted": erased.index_items,
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
    cursor = event.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise MalformedRequest("`cursor` is not one that an answer held")
    page = services.revocations().scan_organization(name, start_key=cursor, limit=SCANNED)
    return page.items, page.next_key


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


def _offset(event: dict[str, Any]) -> int:
    cursor = event.get("cursor")
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or not cursor.isascii() or not cursor.isdigit():
        raise MalformedRequest("`cursor` is not one that an answer held")
    return int(cursor[:9])
