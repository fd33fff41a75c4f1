"""A connector to a customer's Entra tenant, with the application that it needs there.

Each needs the other first: Logto wants Entra's client id to make the connector, Entra wants the
connector's id in its redirect URI. So the application is registered without one, and gets it last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from provision.desired import CONNECTOR_SCOPE, Customer, GivenEntra, ManualEntra
from provision.errors import ProvisionFailed
from provision.graph_api import GraphApi
from provision.logto_api import Json, LogtoApi
from provision.record import MadeConnector
from provision.run import Change, Run
from provision.steps import registration as entra

WHAT: Final = "connector at Logto"
PROVIDER: Final = "AzureAdOidc"

AskManual = Callable[[Customer], ManualEntra]
"""Asks for what was registered at Entra by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A connector as it is now; `id` is None where a dry run would make it."""

    id: str | None
    name: str
    redirect_uri: str


def ensure_connector(
    run: Run,
    api: LogtoApi,
    customer: Customer,
    *,
    graph: GraphApi | None,
    ask: AskManual,
    now: float,
) -> Connection:
    """The connector as it has to be. Without `graph`, the application at Entra is made by hand.

    Raises ProvisionFailed.
    """
    found = find_connector(api, customer.connector_name)
    if graph is None:
        return _by_hand(run, api, customer, found, ask)
    tag = entra.tag_of(api.endpoint, customer.connector_name)
    client_id = found["config"].get("clientId") if found else None
    registered = entra.find_registration(graph, tag, client_id=client_id)
    _check_registered(run, found, customer, registered)
    alone = registered is not None and entra.users_of(registered) == (run.record.base_url,)
    made = _recorded(run, customer, made=found is None or alone)
    made.entra_id = registered["id"] if registered else ""
    run.remember()  # first: an application whose answer is lost can be found by its tag
    registered = entra.ensure_registration(run, graph, customer, registered, tag=tag)
    if registered is not None:
        client_id, made.entra_id = registered["appId"], registered["id"]
    secret = found["config"].get("clientSecret") if found else None
    if not secret or registered is None or not entra.lives(registered, secret, now=now):
        password = entra.new_secret(run, graph, registered, customer, now=now)
        if password is not None:
            secret, made.secret_ends_at = password["secretText"], password["endDateTime"]
    connection = _ensure(run, api, customer, found, made, client_id=client_id or "", secret=secret)
    if registered is None:  # of a dry run
        change = Change(what=entra.REDIRECT_URI, action="add", detail=connection.redirect_uri)
        run.change(change, lambda: None)
        return connection
    if secret:
        entra.drop_other_secrets(run, graph, registered, used=secret)
    entra.ensure_redirect_uri(run, graph, registered, connection.redirect_uri)
    return connection


def callback_uri(logto: str, connector: str) -> str:
    """The redirect URI that Entra has to know."""
    return f"{logto}/callback/{connector}"


def _by_hand(
    run: Run, api: LogtoApi, customer: Customer, found: Json | None, ask: AskManual
) -> Connection:
    config = found["config"] if found else {}
    manual = _known(customer, config) or ask(_with_known(customer, config))
    _check_own(run, found, customer, manual.client_id)
    made = _recorded(run, customer, made=found is None)
    if made.entra_id is not None and manual.client_id != config.get("clientId"):
        former = made.client_id or made.entra_id or "that an earlier run registered"
        run.notes.append(f"At Entra, the application {former} is not used: remove it by hand.")
        made.entra_id = None
    connection = _ensure(
        run,
        api,
        customer,
        found,
        made,
        client_id=manual.client_id,
        secret=manual.client_secret,
    )
    run.notes.append(
        f"At Entra, the application {manual.client_id} has to have the redirect URI "
        f"{connection.redirect_uri}, platform Web."
    )
    return connection


def _with_known(customer: Customer, config: Json) -> Customer:
    """With what the connector tells: its client id, and its secret as long as that stays."""
    manual, client_id = customer.manual, customer.manual.client_id
    secret = manual.client_secret
    if config.get("issuer") == customer.issuer:
        client_id = client_id or config.get("clientId")
        if client_id == config.get("clientId"):
            secret = secret or config.get("clientSecret")
    return replace(customer, manual=GivenEntra(client_id=client_id, client_secret=secret))


def _known(customer: Customer, config: Json) -> ManualEntra | None:
    """The application, where nothing is left to be asked."""
    known = _with_known(customer, config).manual
    if not known.client_id or not known.client_secret:
        return None
    return ManualEntra(client_id=known.client_id, client_secret=known.client_secret)


def _ensure(
    run: Run,
    api: LogtoApi,
    customer: Customer,
    found: Json | None,
    made: MadeConnector,
    *,
    client_id: str,
    secret: str | None,
) -> Connection:
    made.id = found["id"] if found else None
    run.remember()  # first: a connector whose answer is lost is known to be ours
    wanted = _wanted(found or {}, customer, client_id=client_id, secret=secret)
    if found is None:
        body = {"providerName": PROVIDER, "connectorName": customer.connector_name, **wanted}
        change = Change(what=WHAT, action="create", detail=customer.connector_name)
        found = run.change(change, lambda: api.create_connector(body))
    elif differing := [name for name in wanted if found.get(name) != wanted[name]]:
        body = {name: wanted[name] for name in differing}
        identifier = found["id"]
        detail = f"{customer.connector_name}: {', '.join(_told(found, body))}"
        change = Change(what=WHAT, action="update", detail=detail)
        run.change(change, lambda: api.update_connector(identifier, body))
    if found is not None:
        made.id, made.client_id = found["id"], client_id
        run.remember()
    return Connection(
        id=made.id,
        name=customer.connector_name,
        redirect_uri=callback_uri(api.endpoint, made.id or "<connector id>"),
    )


def find_connector(api: LogtoApi, name: str) -> Json | None:
    """The connector with a name. Raises ProvisionFailed."""
    for connector in api.connectors():
        if connector.get("connectorName") == name:
            if not isinstance(connector.get("config"), dict):
                connector["config"] = {}
            return connector
    return None


def _check_own(run: Run, found: Json | None, customer: Customer, client_id: str | None) -> None:
    """A connector of this name is this customer's, or the run ends before it changes anything."""
    if found is None:
        return
    recorded = run.record.connectors.get(customer.connector_name)
    config = found["config"]
    same = config.get("issuer") == customer.issuer and config.get("clientId") == client_id
    known = recorded is not None and recorded.id == found["id"]
    if found.get("providerName") != PROVIDER or not (same or known):
        raise ProvisionFailed(
            f"Logto has a connector named {customer.connector_name} already, to another directory "
            "or application: choose another name with --connector-name"
        )


def _check_registered(
    run: Run, found: Json | None, customer: Customer, registered: Json | None
) -> None:
    """The connector uses the application that `setup` registered, or the run ends."""
    if found is None:
        return
    client_id = found["config"].get("clientId")
    _check_own(run, found, customer, client_id)
    recorded = run.record.connectors.get(customer.connector_name)
    ours = [registered["appId"]] if registered else []
    if recorded is not None and recorded.entra_id is not None:
        ours.append(recorded.client_id)
    if client_id not in ours:
        raise ProvisionFailed(
            f"the connector {customer.connector_name} uses an application at Entra that `setup` "
            "did not register: pass --manual-entra to keep it, or choose another name with "
            "--connector-name"
        )


def _recorded(run: Run, customer: Customer, *, made: bool) -> MadeConnector:
    """The connector's entry in the record; `made` where it is this deployment's to remove."""
    new = MadeConnector(name=customer.connector_name, made=made, issuer=customer.issuer)
    entry = run.record.connectors.setdefault(customer.connector_name, new)
    entry.issuer, entry.made = customer.issuer, entry.made or made
    return entry


def _wanted(
    found: Json, customer: Customer, *, client_id: str, secret: str | None
) -> dict[str, Any]:
    """The connector's members, with everything that others have added."""
    before = found.get("config", {})
    scopes = str(before.get("scope") or "").split()
    branding = dict(found.get("branding") or {})
    if customer.display_name is not None or not branding.get("displayName"):
        branding["displayName"] = customer.name
    trusts, syncs = customer.trust_unverified_email, customer.sync_profile
    if customer.logo_url is not None:
        branding["logo"] = customer.logo_url
    there = found.get("domains") or []
    return {
        "config": {
            **before,
            "clientId": client_id,
            "clientSecret": secret,
            "issuer": customer.issuer,
            "scope": " ".join([*scopes, *(s for s in CONNECTOR_SCOPE if s not in scopes)]),
            "trustUnverifiedEmail": _kept(trusts, before.get("trustUnverifiedEmail"), False),
        },
        "domains": [*there, *(name for name in customer.domains if name not in there)],
        "branding": branding,
        "syncProfile": _kept(syncs, found.get("syncProfile"), True),
    }


def _kept(given: bool | None, there: Any, default: bool) -> bool:
    """What is given, else what is there already, else the default."""
    if given is not None:
        return given
    return there if isinstance(there, bool) else default


def _told(found: Json, body: Json) -> list[str]:
    """What changes, by name; of trust it is told which way."""
    names = [name for name in body if name != "config"]
    config = body.get("config", {})
    for name in (name for name in config if config[name] != found["config"].get(name)):
        trust = name == "trustUnverifiedEmail"
        names.append(f"{name} {'on' if config[name] else 'off'}" if trust else name)
    return names
