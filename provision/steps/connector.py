"""A connector to a customer's Entra tenant, with the application that it needs there.

Each needs the other first: Logto wants Entra's client id to create the connector, and Entra wants
the connector's id in its redirect URI. So the order is: register the application without a
redirect URI, create its client secret, create the connector, add the redirect URI.

Each call can be the last one whose answer arrives. Therefore:

- The record is saved before a call that creates something, with a sign of what may exist. The
  next run then takes what it finds for its own, and `teardown` removes it.
- A client secret is shown once. If it was lost on the way, the connector does not have it, so the
  next run creates another, and removes those that the connector does not use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from provision.desired import Customer, ManualRegistration
from provision.errors import ProvisionFailed
from provision.graph_api import GraphApi
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.record import RecordedConnector
from provision.run import NOT_YET, Change, Run, differences
from provision.steps import registration as entra
from provision.steps.connector_members import (
    SECRET,
    WHAT,
    changed_names,
    flat,
    members_of,
    warn_of_shared_domains,
)
from provision.steps.manual_registration import complete, with_known
from provision.steps.trust import check_trust

PROVIDER: Final = "AzureAdOidc"

AskManual = Callable[[Customer], ManualRegistration]
"""Asks for what somebody registered at Entra by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A connector after a run. `id` is None if a dry run would create it."""

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
    """Create or complete the connector. Without `graph`, its application is registered by hand.

    `now` is seconds since 1970. Raises ProvisionFailed.
    """
    connectors = api.connectors()
    check_trust(
        run,
        connectors,
        customer.connector_name,
        wanted=customer.trust_unverified_email,
        despite_others=customer.trust_despite_others,
    )
    warn_of_shared_domains(run, connectors, customer)
    found = _named(connectors, customer.connector_name)
    if graph is None:
        return _ensure_by_hand(run, api, customer, found, ask)
    return _ensure_by_graph(run, api, customer, found, graph, now)


def _named(connectors: list[Json], name: str) -> Json | None:
    """Find the connector with a name; it has a `config` in any case."""
    for connector in connectors:
        if connector.get("connectorName") == name:
            if not isinstance(connector.get("config"), dict):
                connector["config"] = {}
            return connector
    return None


def callback_uri(logto: str, connector: str) -> str:
    """Return the redirect URI that Entra has to know."""
    return f"{logto}/callback/{connector}"


def _ensure_by_graph(
    run: Run, api: LogtoApi, customer: Customer, found: Json | None, graph: GraphApi, now: float
) -> Connection:
    config = found["config"] if found else {}
    client_id, tag = config.get("clientId"), entra.tag_of(api.endpoint, customer.connector_name)
    registered = entra.find_registration(graph, tag, client_id=client_id)
    _check_registered(run, found, customer, registered)
    known = run.record.connectors.get(customer.connector_name)
    if client_id is None and (known is None or known.entra_id is None):
        entra.check_not_of_others(registered, api.endpoint)
    # An existing connector is ours to remove, too, if no other deployment uses its application:
    # the record of this one may have been lost.
    is_only_user = registered is not None and entra.users_of(registered) == (run.record.base_url,)
    recorded = _recorded(run, customer, made=found is None or is_only_user)
    recorded.entra_id = registered["id"] if registered else ""
    run.save_record()  # if the answer to the registration is lost, its tag leads to it
    registered = entra.ensure_registration(run, graph, customer, registered, tag=tag)
    client_id = registered["appId"] if registered else NOT_YET
    if registered is not None:
        recorded.entra_id = registered["id"]
    secret = _ensure_secret(
        run, graph, customer, registered, recorded, stored=config.get("clientSecret"), now=now
    )
    connection = _ensure(run, api, customer, found, recorded, client_id=client_id, secret=secret)
    if registered is not None:
        # Only now: until here the connector may have used another one.
        entra.remove_other_secrets(run, graph, registered, used=secret)
    planned = registered or {"displayName": entra.display_name(customer)}
    _ensure_redirect_uris(run, graph, planned, recorded, callback=connection.redirect_uri)
    return connection


def _ensure_redirect_uris(
    run: Run,
    graph: GraphApi,
    registered: Json,
    recorded: RecordedConnector,
    *,
    callback: str,
) -> None:
    """Add what is missing of the redirect URIs.

    `registered` has nothing but a name if a dry run would register it.
    """
    uris = entra.redirect_uris(callback, run.record.base_url)
    missing = entra.missing_redirect_uris(registered, uris)
    # Before the update: a URI that is recorded and then not added does no harm.
    added = recorded.added_sign_out_uris
    added += [uri for uri in missing if uri != callback and uri not in added]
    run.save_record()
    entra.add_redirect_uris(run, graph, registered, missing)


def _ensure_secret(
    run: Run,
    graph: GraphApi,
    customer: Customer,
    registered: Json | None,
    recorded: RecordedConnector,
    *,
    stored: str | None,
    now: float,
) -> str:
    """Return the connector's client secret, or a new one if that does not last."""
    if stored and registered and entra.is_lasting_secret(registered, stored, now=now):
        return stored
    password = entra.create_secret(run, graph, registered, customer, now=now)
    if password is None:
        return NOT_YET
    recorded.secret_ends_at = password["endDateTime"]
    return str(password["secretText"])


def _ensure_by_hand(
    run: Run, api: LogtoApi, customer: Customer, found: Json | None, ask: AskManual
) -> Connection:
    config = found["config"] if found else {}
    _check_own(run, found, customer, customer.manual.client_id)
    manual = complete(customer, config) or ask(with_known(customer, config))
    recorded = _recorded(run, customer, made=found is None)
    if recorded.entra_id is not None and manual.client_id != config.get("clientId"):
        # An earlier run registered an application, which is now replaced by one made by hand.
        former = recorded.client_id or recorded.entra_id or "that an earlier run registered"
        run.notes.append(f"At Entra, the application {former} is not used. Remove it by hand.")
        recorded.entra_id = None
    connection = _ensure(
        run,
        api,
        customer,
        found,
        recorded,
        client_id=manual.client_id,
        secret=manual.client_secret,
    )
    uris = entra.redirect_uris(connection.redirect_uri, run.record.base_url)
    run.notes.append(
        f"At Entra, the application {manual.client_id} must have "
        f"{'these redirect URIs' if len(uris) > 1 else 'the redirect URI'}, platform Web: "
        f"{', '.join(uris)}"
    )
    return connection


def _ensure(
    run: Run,
    api: LogtoApi,
    customer: Customer,
    found: Json | None,
    recorded: RecordedConnector,
    *,
    client_id: str,
    secret: str,
) -> Connection:
    recorded.id = found["id"] if found else None
    run.save_record()  # if the answer to the creation is lost, the name leads to the connector
    desired = members_of(found or {}, customer, client_id=client_id, secret=secret)
    if found is None:
        body = {"providerName": PROVIDER, "connectorName": customer.connector_name, **desired}
        change = Change(
            what=WHAT,
            action="create",
            detail=customer.connector_name,
            name=customer.connector_name,
            values=differences({}, flat(desired), hidden=SECRET),
        )
        found = run.apply(change, lambda: api.create_connector(body))
    elif differing := [name for name in desired if found.get(name) != desired[name]]:
        body = {name: desired[name] for name in differing}
        identifier = found["id"]
        detail = f"{customer.connector_name}: {', '.join(changed_names(found, body))}"
        change = Change(
            what=WHAT,
            action="update",
            detail=detail,
            name=customer.connector_name,
            id=identifier,
            values=differences(flat(found), flat(body), hidden=SECRET),
        )
        run.apply(change, lambda: api.update_connector(identifier, body))
    if found is not None:
        recorded.id, recorded.client_id = found["id"], client_id
        run.save_record()
    return Connection(
        id=recorded.id,
        name=customer.connector_name,
        redirect_uri=callback_uri(api.endpoint, recorded.id or "<connector id>"),
    )


def _check_own(run: Run, found: Json | None, customer: Customer, client_id: str | None) -> None:
    """Refuse, before anything changes, a connector of this name that is not this customer's.

    It is this customer's if it leads to the same tenant as the same application, or if the record
    says so: then its tenant or application may be what this run changes.
    """
    if found is None:
        return
    recorded = run.record.connectors.get(customer.connector_name)
    config = found["config"]
    same_issuer = config.get("issuer") == customer.issuer
    same = same_issuer and config.get("clientId") == client_id
    # An entry without id: the answer to the creation was lost.
    known = recorded is not None and (
        recorded.id == found["id"] or (recorded.id is None and same_issuer)
    )
    if found.get("providerName") != PROVIDER or not (same or known):
        raise ProvisionFailed(
            f"Logto already has a connector named {customer.connector_name}, with the id "
            f"{found['id']}, to another directory or application.",
            "Choose another name with --connector-name. If it is yours, pass its application with "
            "--manual-entra --entra-client-id.",
        )


def _check_registered(
    run: Run, found: Json | None, customer: Customer, registered: Json | None
) -> None:
    """Refuse, before anything changes, a connector whose application `setup` did not register.

    Otherwise a run without --manual-entra would replace an application that somebody registered by
    hand. One that is recorded but no longer at Entra counts as registered: it is replaced.
    """
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
            f"The connector {customer.connector_name} uses an application at Entra that `setup` "
            "did not register.",
            "Pass --manual-entra to keep it, or choose another name with --connector-name.",
        )


def _recorded(run: Run, customer: Customer, *, made: bool) -> RecordedConnector:
    """Return the connector's entry in the record. Once it is `made`, it stays so."""
    new = RecordedConnector(name=customer.connector_name, made=made, issuer=customer.issuer)
    entry = run.record.connectors.setdefault(customer.connector_name, new)
    entry.issuer, entry.made = customer.issuer, entry.made or made
    return entry
