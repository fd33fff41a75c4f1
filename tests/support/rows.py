"""Sessions as callbacks commit them, without a sign-in for each."""

from collections.abc import Iterable

from shared.sealing import new_secret
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.store.keys import (
    listings_of,
    op_session_marker,
    organization_digest,
    subject_digest,
    subject_marker,
)
from shared.store.records import Session, SessionItem
from shared.store.session_table import CommitGuards


def put_session(
    services: Services,
    subject: str,
    *,
    sid: str | None = None,
    organizations: Iterable[str] = (),
    seconds_ago: int = 0,
    client: tuple[str | None, str | None] = (None, None),
) -> str:
    """Commit a session that began so long ago; the secret for its cookie."""
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
        connector=None,
        tenant_id=None,
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
        subject_marker=subject_marker(settings.issuer, subject),
        op_session_marker=op_session_marker(settings.issuer, sid) if sid is not None else None,
        in_flight_since=int(services.clock() * 1000),
        authenticated_from=began,
    )
    services.sessions.commit_session(item, listings_of(session, seal.key), guards, previous=())
    return secret
