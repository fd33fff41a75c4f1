"""Setting up from nothing, or from whatever is there; the same code plans and does it."""

from collections.abc import Callable
from dataclasses import dataclass

from provision.desired import Customer, Product
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi
from provision.run import Change, Run
from provision.settings_store import Store
from provision.steps.application import ensure_application, newest_secret
from provision.steps.connector import AskManual, Connection, ensure_connector
from provision.steps.experience import ensure_single_sign_on
from provision.steps.hook import ensure_hook

UNKNOWN = "(known once it is made)"

GraphFor = Callable[[Customer], GraphApi | None]
"""Microsoft Graph in a customer's tenant; None where the application is registered by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What setting up works with."""

    api: LogtoApi
    graph_for: GraphFor
    ask: AskManual
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What is there now. An id is None where a dry run would make it."""

    application: str | None
    connections: tuple[Connection, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, run: Run, *, application: str | None = None, connections: tuple[Connection, ...] = ()
    ) -> "Outcome":
        """The outcome of a run."""
        return cls(
            application=application,
            connections=connections,
            changes=tuple(run.changes),
            notes=tuple(dict.fromkeys(run.notes)),
        )


def set_up(
    run: Run,
    means: Means,
    product: Product,
    customers: tuple[Customer, ...],
    store: Store,
    *,
    adopt: str | None = None,
    default_connector: bool = False,
) -> Outcome:
    """Everything for a product and its customers. Raises ProvisionFailed."""
    application = ensure_application(run, means.api, product, adopt=adopt)
    secret = UNKNOWN
    if application is not None:
        secret = newest_secret(means.api, application, now=means.now, stored=store.secret())
    key = ensure_hook(run, means.api, product)
    connections = tuple(connect(run, means, customer) for customer in customers)
    values = {
        "LOGTO_ENDPOINT": means.api.endpoint,
        "LOGTO_APP_ID": application or UNKNOWN,
        "LOGTO_APP_SECRET": secret,
        "LOGTO_WEBHOOK_SIGNING_KEY": key or UNKNOWN,
        "BRAND_NAME": product.name,
    }
    if default_connector and connections:
        values["LOGTO_DEFAULT_CONNECTOR"] = connections[0].id or UNKNOWN
    store.ensure(run, values)
    return Outcome.of(run, application=application, connections=connections)


def connect(run: Run, means: Means, customer: Customer) -> Connection:
    """One customer's connector, offered to people. Raises ProvisionFailed."""
    graph = means.graph_for(customer)
    connection = ensure_connector(
        run, means.api, customer, graph=graph, ask=means.ask, now=means.now
    )
    ensure_single_sign_on(run, means.api)
    return connection
