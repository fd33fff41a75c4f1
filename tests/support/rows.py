"""Sessions as callbacks commit them, without a sign-in for each."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from shared.sealing import new_secret
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import (
    listings_of,
    op_session_digest,
    organization_digest,
    subject_digest,
)
from shared.store.records import Session, SessionItem
from shared.store.session_table import CommitGuards

BATCH = 25


class _Writes:
    """Takes the place of the table's client, and collects the items that are put."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def until(self, _: object) -> "_Writes":
        return self

    def transact(self, writes: list[dict[str, Any]]) -> None:
        self.items += [entry["Put"]["Item"] for entry in writes if "Put" in entry]


def put_many(services: Services, client: Any, table: str, subject: str, count: int) -> None:
    """Put the items of `count` sessions of a user, as commits write them, in batches."""
    writes: Any = _Writes()
    for _ in range(count):
        put_session(replace(services, table=writes), subject)
    for start in range(0, len(writes.items), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in writes.items[start : start + BATCH]]
        client.batch_write_item(RequestItems={table: puts})


def put_session(
    services: Services,
    subject: str,
    *,
    sid: str | None = None,
    organizations: Iterable[str] = (),
    seconds_ago: int = 0,
    client: tuple[str | None, str | None] = (None, None),
) -> str:
    """Commit a session that began `seconds_ago`, and return the secret of its cookie."""
    settings, began = services.settings, int(services.clock()) - seconds_ago
    secret = new_secret(services.random)
    seal = SessionHandle.of(secret).seal
    session = Session(
        issuer=settings.issuer,
        subject=subject,
        op_session=sid,
        signed_in_at=began,
        began_at=began,
        ends_at=began + settings.session_absolute_seconds,
        authenticated_at=began,
        connector=None,
        tenant_id=None,
        login_url=None,
        groups=(),
        scopes=(),
        token_key=new_secret(services.random),
        storage={},
    )
    item = SessionItem(
        key=seal.key,
        sealed=session.sealed(seal, services.random),
        expires_at=began + settings.session_idle_seconds,
        seen_at=began,
        began_at=began,
        organizations=frozenset(
            organization_digest(settings.issuer, name) for name in organizations
        ),
        client_ip=client[0],
        client_agent=client[1],
    )
    guards = CommitGuards(
        subject=subject_digest(settings.issuer, subject),
        op_session=op_session_digest(settings.issuer, sid) if sid is not None else None,
        in_flight_since=int(services.clock() * 1000),
        authenticated_from=began,
    )
    services.sessions.commit_session(item, listings_of(session, seal.key), guards, previous=())
    return secret
