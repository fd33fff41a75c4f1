"""Set up a product and its customers, from nothing or from what already exists.

The same code plans, in a dry run, and applies.
"""

from collections.abc import Callable
from dataclasses import dataclass

from provision.desired import Customer, Product
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi
from provision.product_settings import check_written
from provision.run import NOT_YET, Change, Run
from provision.settings_store import SettingsStore
from provision.steps.application import ensure_application, valid_secret
from provision.steps.connector import AskManual, Connection, ensure_connector
from provision.steps.experience import ensure_single_sign_on
from provision.steps.hook import ensure_hook

GraphFor = Callable[[Customer], GraphApi | None]
"""Gives Microsoft Graph in a customer's tenant; None if the application is registered by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetupServices:
    """What setting up works with. `now` is seconds since 1970."""

    api: LogtoApi
    graph_for: GraphFor
    ask: AskManual
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What exists after a run. An id is None if a dry run would make it."""

    application: str | None
    connections: tuple[Connection, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls, run: Run, *, application: str | None = None, connections: tuple[Connection, ...] = ()
    ) -> "Outcome":
        """Return the outcome of a run, with each note and each warning once."""
        return cls(
            application=application,
            connections=connections,
            changes=tuple(run.changes),
            notes=tuple(dict.fromkeys(run.notes)),
            warnings=tuple(dict.fromkeys(run.warnings)),
        )


def set_up(
    run: Run,
    services: SetupServices,
    product: Product,
    customers: tuple[Customer, ...],
    store: SettingsStore,
    *,
    adopt: str | None = None,
    default_connector: bool = False,
) -> Outcome:
    """Set up everything for a product and its customers. Raises ProvisionFailed."""
    application = ensure_application(run, services.api, product, adopt=adopt)
    secret = NOT_YET
    if application is not None:
        stored = store.secret()
        secret = valid_secret(run, services.api, application, now=services.now, stored=stored)
    key = ensure_hook(run, services.api, product)
    connections = tuple(connect(run, services, customer) for customer in customers)
    values = {
        "LOGTO_ENDPOINT": services.api.endpoint,
        "LOGTO_APP_ID": application or NOT_YET,
        "LOGTO_APP_SECRET": secret,
        "LOGTO_WEBHOOK_SIGNING_KEY": key or NOT_YET,
        "BRAND_NAME": product.name,
    }
    if default_connector and connections:
        values["LOGTO_DEFAULT_CONNECTOR"] = connections[0].id or NOT_YET
    check_written(values)
    store.ensure(run, values)
    return Outcome.of(run, application=application, connections=connections)


def connect(run: Run, services: SetupServices, customer: Customer) -> Connection:
    """Set up one customer's connector, and enterprise SSO so that users can choose it.

    Raises ProvisionFailed.
    """
    graph = services.graph_for(customer)
    connection = ensure_connector(
        run, services.api, customer, graph=graph, ask=services.ask, now=services.now
    )
    ensure_single_sign_on(run, services.api)
    return connection
