"""Looking through Logto's Management API, and at Entra through Microsoft Graph."""

from collections.abc import Callable
from dataclasses import dataclass, field

from provision.desired import Product
from provision.doctor.observed import Issuer, Json, Unseen
from provision.errors import NoAnswer, ProvisionFailed
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi
from provision.microsoft import published_issuer
from provision.steps.connector import PROVIDER
from provision.steps.hook import find_hook

_NOT_GIVEN = Unseen("no credentials for the Management API: set MANAGEMENT_APP_ID and its secret")


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """What is set up at Logto and at Entra."""

    management: str | Unseen = _NOT_GIVEN
    application: Json | Unseen | None = _NOT_GIVEN
    hook: Json | Unseen | None = _NOT_GIVEN
    connectors: list[Json] | Unseen = _NOT_GIVEN
    single_sign_on: bool | Unseen = _NOT_GIVEN
    issuers: dict[str, Issuer] = field(default_factory=dict)
    registrations: dict[str, Json | Unseen | None] = field(default_factory=dict)


def look_at_management(
    api: LogtoApi,
    product: Product,
    *,
    app_id: str | None,
    graph_of: Callable[[str], GraphApi] | None,
) -> Managed:
    """Read everything once. `graph_of` is None where nobody is signed in at Microsoft."""
    try:
        applications = api.applications()
        connectors = [one for one in api.connectors() if isinstance(one.get("config"), dict)]
        hook = find_hook(api, product)
        on = api.sign_in_experience().get("singleSignOnEnabled") is True
    except ProvisionFailed as failure:
        unseen = Unseen("the Management API does not answer as it should")
        return Managed(
            management=str(failure),
            application=unseen,
            hook=unseen,
            connectors=unseen,
            single_sign_on=unseen,
        )
    entra = [one for one in connectors if one.get("providerName") == PROVIDER]
    return Managed(
        management="",
        application=_named(applications, app_id),
        hook=hook,
        connectors=connectors,
        single_sign_on=on,
        issuers={one["id"]: _issuer(str(one["config"].get("issuer") or "")) for one in entra},
        registrations={one["id"]: _registration(one, graph_of) for one in entra},
    )


def _named(applications: list[Json], app_id: str | None) -> Json | Unseen | None:
    if not app_id:
        return Unseen("LOGTO_APP_ID is not known")
    return next((one for one in applications if one["id"] == app_id), None)


def _issuer(issuer: str) -> Issuer:
    try:
        return Issuer(published=published_issuer(issuer.rstrip("/")))
    except ProvisionFailed as failure:
        silent = isinstance(failure, NoAnswer)
        return Issuer(published=None, failure=str(failure), silent=silent)


def _registration(one: Json, graph_of: Callable[[str], GraphApi] | None) -> Json | Unseen | None:
    if graph_of is None:
        return Unseen("Microsoft Graph was not asked: pass --check-entra")
    try:
        graph = graph_of(str(one["config"].get("issuer") or "").rstrip("/"))
        return graph.by_client_id(str(one["config"].get("clientId") or ""))
    except ProvisionFailed as failure:
        return Unseen(str(failure))
