"""What the flows work with, made once per process by a composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.observability import Observer
from shared.sealing import Random
from shared.settings import Settings
from shared.store.session_table import SessionTable

if TYPE_CHECKING:
    from shared.oidc.logto import Logto
    from shared.oidc.provider import Provider
    from shared.store.refresh_lease import RefreshLeases
    from shared.store.revocation_table import RevocationTable


async def nothing_open() -> None:
    """Of services that have no connections of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What is a function is made when first asked for: who does without does not load it."""

    settings: Settings
    sessions: SessionTable
    leases: "Callable[[], RefreshLeases]"
    revocations: "Callable[[], RevocationTable]"
    provider: "Callable[[], Provider]"
    logto: "Callable[[], Logto]"
    observer: Observer
    clock: Clock
    random: Random
    close_connections: Callable[[], Awaitable[None]] = nothing_open
    """Ends the connections to DynamoDB and Logto; the next call opens new ones."""
