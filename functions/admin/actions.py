"""The operators' actions. Each takes the event and returns the response."""

from datetime import UTC, datetime
from typing import Any

from functions.admin.cursors import cursor_of, position_of
from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import MalformedRequest
from shared.revocation import MARKER_SECONDS, Revoked, end_subject, latest_first, sessions_of
from shared.sealing import digest
from shared.services import Services
from shared.store.keys import ItemKey, organization_digest, subject_digest
from shared.store.records import SessionEntry

PAGE = 50
SCANNED = 500
"""Items that one invocation scans for an organization."""


def list_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """List sessions of `user`, latest first; `cursor` continues after the last one of a page."""
    user = _id(event, "user")
    list_id = subject_digest(services.settings.issuer, user)
    after = _last_listed(event, list_id)
    sessions = [i for i in sessions_of(user, services) if after is None or latest_first(i) > after]
    page = sessions[:PAGE]
    more = len(sessions) > PAGE
    return {
        "sessions": [_described(item, services) for item in page],
        "cursor": cursor_of(list_id, str(page[-1].began_at), page[-1].key) if more else None,
    }


def list_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """List sessions of members of `organization` in a part of the table; it may have none."""
    items, cursor = _organization_page(event, services)
    return {"sessions": [_described(item, services) for item in items], "cursor": cursor}


def end_session(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """End `session`, an id from a list. Its listings are unknown here and expire by the TTL."""
    revocations = services.revocations()
    existing = revocations.read_sessions([f"session#{_id(event, 'session')}"])
    revocations.delete_sessions(item.key for item in existing)
    return {"ended": len(existing)}


def end_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """End all sessions of `user`, and cancel sign-ins in flight."""
    return {"ended": _end_subject(_id(event, "user"), services).sessions}


def end_organization(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """End the sessions of `organization` in a part of the table; call until `cursor` is null."""
    items, cursor = _organization_page(event, services)
    services.revocations().delete_sessions([item.key for item in items])
    return {"ended": len(items), "cursor": cursor}


def erase_user(event: dict[str, Any], services: Services) -> dict[str, Any]:
    """Erase what the table stores about `user`. A session that begins meanwhile counts as left."""
    user = _id(event, "user")
    erased = _end_subject(user, services)
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
            "left": len(sessions_of(user, services)),
            "remains": {
                "marker_until": _time(now + MARKER_SECONDS),
                "why": "a digest that keeps a sign-in in flight from making a new session",
                "backups": "sealed rows in point-in-time backups, for as long as those are kept",
            },
        },
    }


def log_fields(event: dict[str, Any], services: Services) -> dict[str, str]:
    """Return the target of an action as it may be logged: as digests."""
    issuer, found = services.settings.issuer, {}
    if isinstance(event.get("user"), str):
        found["subject"] = subject_digest(issuer, event["user"])
    if isinstance(event.get("organization"), str):
        found["organization"] = organization_digest(issuer, event["organization"])
    if isinstance(event.get("session"), str):
        found["session"] = digest("session id", f"session#{event['session']}")
    return found


def _end_subject(user: str, services: Services) -> Revoked:
    until = int(services.clock()) + CLOCK_SKEW_SECONDS
    return end_subject(user, until=until, services=services)


def _organization_page(
    event: dict[str, Any], services: Services
) -> tuple[tuple[SessionEntry, ...], str | None]:
    name = organization_digest(services.settings.issuer, _id(event, "organization"))
    position = position_of(event.get("cursor"), name)
    start = ItemKey(*position) if position is not None else None
    items, last = services.revocations().scan_organization(name, start_key=start, limit=SCANNED)
    return items, cursor_of(name, *last) if last is not None else None


def _last_listed(event: dict[str, Any], list_id: str) -> tuple[int, str] | None:
    """Return the sort key of the last session of the previous page, from the cursor."""
    position = position_of(event.get("cursor"), list_id)
    if position is None:
        return None
    if not position[0].isdecimal():
        raise MalformedRequest("`cursor` is not from a response of this action")
    return (-int(position[0]), position[1])


def _described(item: SessionEntry, services: Services) -> dict[str, Any]:
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


def _id(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or not value.isprintable():
        raise MalformedRequest(f"`{name}` is missing or is not an id")
    return value
