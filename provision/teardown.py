"""Removing what `setup` made, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provision import files
from provision.desired import Product
from provision.graph_api import GraphApi
from provision.logto_api import Json, LogtoApi
from provision.record import MadeApplication, MadeConnector
from provision.run import Change, Run
from provision.settings_store import SECRETS, Store
from provision.steps import application, connector, experience, hook, registration


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """`graph_of` gives Microsoft Graph in the tenant of an issuer; None leaves Entra alone."""

    api: LogtoApi
    graph_of: Callable[[str], GraphApi] | None
    store: Store


def tear_down(run: Run, tools: Tools, product: Product) -> None:
    """Everything that was made for the product. Raises ProvisionFailed."""
    gone: list[str] = []
    for made in list(run.record.connectors.values()):
        gone += disconnect(run, tools, made)
    _switch_off(run, tools.api, gone)
    _remove_hook(run, tools.api, product)
    _remove_application(run, tools.api, product)
    _forget_files(run)
    if not run.dry:
        run.record.forget()


def disconnect(run: Run, tools: Tools, made: MadeConnector) -> list[str]:
    """Remove one connector, and its application at Entra. The ids of the connectors that are gone.

    Raises ProvisionFailed.
    """
    if made.entra_id is None or tools.graph_of is None:
        gone = _disconnect_by_hand(run, tools, made)
    else:
        gone = _disconnect(run, tools, tools.graph_of(made.issuer), made)
    run.record.connectors.pop(made.name, None)
    run.remember()
    return gone


def _disconnect(run: Run, tools: Tools, graph: GraphApi, made: MadeConnector) -> list[str]:
    registered = graph.tagged(registration.tag_of(tools.api.endpoint, made.name))
    others = {url for one in registered for url in registration.users_of(one)}
    others.discard(run.record.base_url)
    if others:
        _leave(run, graph, registered, made, others)
        return []
    there = tools.api.connectors()
    found = [one for one in there if _is_it(one, made)]
    own = [one for one in found if made.made or _client_id(one) in _app_ids(registered)]
    gone = _remove_connectors(run, tools, own, made)
    staying = {_client_id(one) for one in there if one["id"] not in gone}
    _remove_registrations(run, graph, registered, staying)
    return gone


def _disconnect_by_hand(run: Run, tools: Tools, made: MadeConnector) -> list[str]:
    """Without Microsoft Graph: what is left to do at Entra is said."""
    found = [one for one in tools.api.connectors() if _is_it(one, made)]
    if made.made:
        if client_id := made.client_id or made.entra_id:
            run.notes.append(f"At Entra, remove the application {client_id} by hand.")
        return _remove_connectors(run, tools, found, made)
    if found:
        run.notes.append(f"The connector {made.name} stays: it was there before.")
    if made.entra_id is not None:
        used_by = registration.used_by(run.record.base_url)
        run.notes.append(
            f"At Entra, remove the tag {used_by} in the manifest of the application "
            f"{made.client_id} by hand."
        )
    return []


def _remove_connectors(run: Run, tools: Tools, found: list[Json], made: MadeConnector) -> list[str]:
    gone = [str(one["id"]) for one in found]
    for identifier in {
        *gone,
        *([made.id] if made.id else []),
    }:  # first: one that is gone is not found again
        tools.store.clear(run, "LOGTO_DEFAULT_CONNECTOR", identifier)
    for identifier in gone:
        change = Change(what=connector.WHAT, action="remove", detail=made.name)
        run.change(change, partial(tools.api.delete_connector, identifier))
    return gone


def _leave(
    run: Run, graph: GraphApi, registered: list[Json], made: MadeConnector, others: set[str]
) -> None:
    """Other deployments need the connector: they are told of, and it stays."""
    for one in registered:
        registration.release(run, graph, one, run.record.base_url)
    users = ", ".join(sorted(others))
    run.notes.append(f"The connector {made.name} and its application stay: {users} uses them too.")


def _remove_registrations(
    run: Run, graph: GraphApi, registered: list[Json], staying: set[str | None]
) -> None:
    """Never one that a connector which stays signs people in by."""
    for one in registered:
        if one["appId"] not in staying:
            change = Change(what=registration.WHAT, action="remove", detail=one["displayName"])
            run.change(change, partial(graph.delete_application, one["id"]))


def _switch_off(run: Run, api: LogtoApi, gone: list[str]) -> None:
    """Off where `setup` turned it on, and no other connector is left to need it."""
    others = [one for one in api.connectors() if one["id"] not in gone]
    on = api.sign_in_experience().get("singleSignOnEnabled") is True
    if run.record.single_sign_on and on and not others:
        change = Change(what=experience.WHAT, action="turn off")
        run.change(change, lambda: api.switch_single_sign_on(on=False))
    run.record.single_sign_on = False
    run.remember()


def _remove_hook(run: Run, api: LogtoApi, product: Product) -> None:
    found = hook.find_hook(api, product)
    if found is not None and hook.is_made(found, product):
        change = Change(what=hook.WHAT, action="remove", detail=product.webhook_url)
        run.change(change, lambda: api.delete_hook(found["id"]))
    run.record.hook = None
    run.remember()


def _remove_application(run: Run, api: LogtoApi, product: Product) -> None:
    made = run.record.application
    for found in api.applications():
        if application.is_made(found, product):
            change = Change(what=application.WHAT, action="remove", detail=str(found["name"]))
            run.change(change, partial(api.delete_application, found["id"]))
        elif made is not None and found["id"] == made.id:
            _give_back(run, api, found, made, product)
    run.record.application = None
    run.remember()


def _give_back(
    run: Run, api: LogtoApi, found: Json, made: MadeApplication, product: Product
) -> None:
    """An application that somebody else made gets back what it was."""
    before = found["oidcClientMetadata"]
    metadata = {
        **before,
        "redirectUris": [u for u in before["redirectUris"] if u not in made.added_redirect_uris],
        "postLogoutRedirectUris": [
            u for u in before["postLogoutRedirectUris"] if u not in made.added_post_sign_out_uris
        ],
    }
    if before.get("backchannelLogoutUri") == product.backchannel_uri:
        metadata["backchannelLogoutSessionRequired"] = made.session_required_before
        del metadata["backchannelLogoutUri"]
        if made.backchannel_before is not None:
            metadata["backchannelLogoutUri"] = made.backchannel_before
    if metadata != before:
        change = Change(what=application.WHAT, action="give back", detail=str(found["name"]))
        run.change(
            change, lambda: api.update_application(found["id"], {"oidcClientMetadata": metadata})
        )


def _forget_files(run: Run) -> None:
    """What was written, where it still is as it was written."""
    record = run.record
    if record.env_file is not None:
        path = Path(record.env_file)
        there = files.read_env(path)
        if "LOGTO_APP_ID" in there and there["LOGTO_APP_ID"] == record.written_env.get(
            "LOGTO_APP_ID"
        ):
            names = [n for n, v in record.written_env.items() if there.get(n) == v]
            names += [name for name in SECRETS if name in there]
            change = Change(what=str(path), action="write", detail=f"without {', '.join(names)}")
            run.change(change, lambda: files.write_env(path, dict.fromkeys(names)))
    if record.samconfig is not None and Path(record.samconfig).exists():
        config = Path(record.samconfig)
        given = files.read_parameters(config, record.config_env)
        gone = {n: None for n, v in record.written.items() if given.get(n) == v}
        if gone:
            change = Change(what=config.name, action="write", detail=f"without {', '.join(gone)}")
            run.change(change, lambda: files.write_parameters(config, record.config_env, gone))
            run.notes.append("The stack's secrets stay, with values that no longer open anything.")


def _client_id(one: Json) -> str | None:
    found = one["config"].get("clientId") if isinstance(one.get("config"), dict) else None
    return str(found) if found else None


def _app_ids(registered: list[Json]) -> list[str]:
    return [one["appId"] for one in registered]


def _is_it(one: Json, made: MadeConnector) -> bool:
    same = one.get("connectorName") == made.name
    return one["id"] == made.id or (made.id is None and same)
