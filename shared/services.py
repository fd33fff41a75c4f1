"""What the flows work with: made once per process, and bound to one request's deadline."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.clock import Clock, Deadline
from shared.limits import Limits
from shared.observability import Observer
from shared.sealing import Random
from shared.settings import Settings
from shared.store.dynamodb import TableClient
from shared.store.session_table import SessionTable

if TYPE_CHECKING:
    from shared.oidc.logto import Logto
    from shared.oidc.provider import Provider
    from shared.store.refresh_lease import RefreshLeases
    from shared.store.revocation_queue import RevocationQueue
    from shared.store.revocation_table import RevocationTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that a flow may use, until its deadline. Methods import what few requests need."""

    settings: Settings
    limits: Limits
    observer: Observer
    clock: Clock
    random: Random
    deadline: Deadline
    """When this request's answer must be ready. Every call to DynamoDB and Logto checks it."""
    table: TableClient
    provider: "Callable[[], Provider]"
    """Return the process's cache of the provider's metadata."""
    make_logto: "Callable[[], Logto]"
    make_revocation_queue: "Callable[[], RevocationQueue]"
    close_connections: Callable[[], None]
    """Close the connections to DynamoDB, SQS and Logto; the next call opens new ones."""

    def begin(self, seconds: float) -> "Services":
        """Return the services of a request that arrives now and is answered in so many seconds."""
        return replace(self, deadline=self.deadline.renewed(seconds))

    def within(self, seconds: float) -> "Services":
        """Return the services for a part of the request that may take no longer than this."""
        return replace(self, deadline=self.deadline.within(seconds))

    def before(self, seconds: float) -> "Services":
        """Return the services for a part of the request that must leave so many seconds of it."""
        return replace(self, deadline=self.deadline.before(seconds))

    @property
    def sessions(self) -> SessionTable:
        return SessionTable(self.table.until(self.deadline))

    def leases(self) -> "RefreshLeases":
        from shared.store.refresh_lease import RefreshLeases

        return RefreshLeases(self.table.until(self.deadline))

    def revocations(self) -> "RevocationTable":
        from shared.store.revocation_table import RevocationTable

        return RevocationTable(self.table.until(self.deadline))

    def revocation_queue(self) -> "RevocationQueue":
        """Return the queue of revocations. Raises Misconfigured if the settings name none."""
        return self.make_revocation_queue().until(self.deadline)

    def logto(self) -> "Logto":
        return self.make_logto().until(self.deadline)
