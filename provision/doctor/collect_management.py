"""Collect what Logto's Management API shows, and what Microsoft Graph shows of Entra."""

from collections.abc import Callable, Iterable

from provision.desired import Product
from provision.doctor.observed import Json, NotObserved, ObservedIssuer, ObservedManagement
from provision.errors import NoAnswer, ProvisionFailed
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi
from provision.microsoft import names_one_tenant, published_issuer
from provision.steps.connector import PROVIDER
from provision.steps.hook import find_hook

GraphFor = Callable[[str], GraphApi]
"""Gives Microsoft Graph in the tenant of an issuer."""


def collect_management(
    api: LogtoApi,
    product: Product,
    *,
    app_id: str | None,
    organizations: Iterable[str],
    graph_for: GraphFor | None,
) -> ObservedManagement:
    """Read everything once. Without `graph_for`, Entra is left out.

    `organizations` are the ids that the settings name.
    """
    try:
        applications = api.applications()
        connectors = [{**one, "config": _config(one)} for one in api.connectors()]
        hook = find_hook(api, product)
        on = api.sign_in_experience().get("singleSignOnEnabled") is True
        known = {one: api.has_organization(one) for one in organizations}
    except ProvisionFailed as failure:
        refused = NotObserved("The Management API does not answer as it should.")
        return ObservedManagement(
            refusal=(failure.problem, failure.fix),
            application=refused,
            hook=refused,
            connectors=refused,
            single_sign_on=refused,
            organizations=refused,
        )
    entra = [one for one in connectors if one.get("providerName") == PROVIDER]
    return ObservedManagement(
        refusal=None,
        application=_application(applications, app_id),
        hook=hook,
        connectors=connectors,
        single_sign_on=on,
        organizations=known,
        issuers={one["id"]: _issuer(issuer_in(one)) for one in entra if issuer_in(one)},
        registrations={one["id"]: _registration(one, graph_for) for one in entra},
    )


def _application(applications: list[Json], app_id: str | None) -> Json | NotObserved | None:
    if not app_id:
        return NotObserved("LOGTO_APP_ID is not known.")
    return next((one for one in applications if one["id"] == app_id), None)


def issuer_in(connector: Json) -> str:
    """Return the issuer of a connector as it is configured; empty for a draft."""
    return str(connector["config"].get("issuer") or "")


def _config(connector: Json) -> Json:
    """Return the configuration of a connector, which a draft may not have yet."""
    found = connector.get("config")
    return found if isinstance(found, dict) else {}


def _issuer(issuer: str) -> ObservedIssuer:
    try:
        return ObservedIssuer(published=published_issuer(issuer.rstrip("/")))
    except ProvisionFailed as failure:
        unreachable = isinstance(failure, NoAnswer)
        return ObservedIssuer(published=None, failure=str(failure), unreachable=unreachable)


def _registration(connector: Json, graph_for: GraphFor | None) -> Json | NotObserved | None:
    if graph_for is None:
        return NotObserved("Microsoft Graph was not asked: pass --check-entra.")
    issuer = issuer_in(connector).rstrip("/")
    if not names_one_tenant(issuer):
        return NotObserved("The connector's issuer names no tenant to look into.")
    try:
        graph = graph_for(issuer)
        return graph.application_by_client_id(str(connector["config"].get("clientId") or ""))
    except ProvisionFailed as failure:
        return NotObserved(str(failure))
