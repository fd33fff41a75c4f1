"""Remove what `setup` made, and nothing else.

Three things tell what is its own: the record, the markers in names at Logto, and the tags at
Entra. A tag for each deployment that uses an application lets two deployments, say staging and
production, share a connector: the last one to go removes it, whichever made it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provision import files
from provision.desired import Product
from provision.graph_api import GraphApi
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.record import Record, RecordedConnector
from provision.run import Change, Run, differences
from provision.settings_left import PlacedSettings, note_settings_left
from provision.settings_store import SECRETS
from provision.steps import application, connector_members, experience, hook, registration


@dataclass(frozen=True, kw_only=True, slots=True)
class TeardownServices:
    """What tearing down works with.

    `graph_for` gives Microsoft Graph in the tenant of an issuer; None leaves Entra alone.
    """

    api: LogtoApi
    graph_for: Callable[[str], GraphApi] | None
    store: PlacedSettings


def tear_down(run: Run, services: TeardownServices, product: Product) -> None:
    """Remove everything that was made for the product. Raises ProvisionFailed.

    The record goes last, and each step has saved it: a run that is cut short can be repeated.
    """
    removed: list[str] = []
    for recorded in list(run.record.connectors.values()):
        removed += disconnect(run, services, recorded)
    _switch_off_single_sign_on(run, services.api, removed)
    _remove_hook(run, services.api, product)
    removed += _remove_application(run, services.api, product)
    _clear_env_file(run)
    _clear_samconfig(run)
    endpoint = services.api.endpoint
    note_settings_left(run, services.store, removed=removed, endpoint=endpoint)
    if not run.dry_run:
        run.record.remove()


def disconnect(run: Run, services: TeardownServices, recorded: RecordedConnector) -> list[str]:
    """Remove one connector, and its application at Entra. Return the ids of removed connectors.

    Raises ProvisionFailed.
    """
    if recorded.entra_id is None or services.graph_for is None:
        removed = _disconnect_by_hand(run, services, recorded)
    else:
        graph = services.graph_for(recorded.issuer)
        removed = _disconnect(run, services, graph, recorded)
    run.record.connectors.pop(recorded.name, None)
    run.save_record()
    return removed


def _disconnect(
    run: Run, services: TeardownServices, graph: GraphApi, recorded: RecordedConnector
) -> list[str]:
    tag = registration.tag_of(services.api.endpoint, recorded.name)
    registered = graph.applications_with_tag(tag)
    others = {url for one in registered for url in registration.users_of(one)}
    others.discard(run.record.base_url)
    if others:
        _leave_to_others(run, graph, registered, recorded, others)
        return []
    existing = services.api.connectors()
    # This deployment may not have made the connector, but it is the last one to use it.
    app_ids = [one["appId"] for one in registered]
    own = [
        one
        for one in existing
        if _is_recorded(one, recorded) and (recorded.made or _client_id(one) in app_ids)
    ]
    removed = _remove_connectors(run, services, own, recorded)
    # Somebody may have made another connector that signs users in with the same application.
    in_use = {_client_id(one) for one in existing if one["id"] not in removed}
    _remove_registrations(run, graph, [one for one in registered if one["appId"] not in in_use])
    for one in registered:
        if one["appId"] in in_use:
            _release(run, graph, one, recorded)
    return removed


def _disconnect_by_hand(
    run: Run, services: TeardownServices, recorded: RecordedConnector
) -> list[str]:
    """Disconnect without Microsoft Graph, and note what is left to do at Entra."""
    found = [one for one in services.api.connectors() if _is_recorded(one, recorded)]
    if recorded.made:
        if client_id := recorded.client_id or recorded.entra_id:
            run.notes.append(f"At Entra, remove the application {client_id} by hand.")
        return _remove_connectors(run, services, found, recorded)
    if found:
        run.notes.append(f"The connector {recorded.name} stays, because it existed before.")
    if recorded.entra_id is not None:
        used_by = registration.used_by(run.record.base_url)
        run.notes.append(
            f"At Entra, remove the tag {used_by} from the manifest of the application "
            f"{recorded.client_id} by hand."
        )
        for uri in recorded.added_sign_out_uris:
            run.notes.append(
                f"At Entra, remove the redirect URI {uri} from the application "
                f"{recorded.client_id} by hand."
            )
    return []


def _remove_connectors(
    run: Run, services: TeardownServices, found: list[Json], recorded: RecordedConnector
) -> list[str]:
    identifiers = [str(one["id"]) for one in found]
    # The setting goes first, and for the recorded id too: after a run that was cut in between,
    # or a removal in the Logto Console, the connector is no longer found.
    for identifier in {*identifiers, *([recorded.id] if recorded.id else [])}:
        services.store.clear(run, "LOGTO_DEFAULT_CONNECTOR", identifier)
    for identifier in identifiers:
        change = Change(
            what=connector_members.WHAT,
            action="remove",
            detail=recorded.name,
            name=recorded.name,
            id=identifier,
        )
        run.apply(change, partial(services.api.delete_connector, identifier))
    return identifiers


def _leave_to_others(
    run: Run,
    graph: GraphApi,
    registered: list[Json],
    recorded: RecordedConnector,
    others: set[str],
) -> None:
    """Keep the connector for the deployments that use it, and remove this one's tag."""
    for one in registered:
        _release(run, graph, one, recorded)
    users = ", ".join(sorted(others))
    run.notes.append(
        f"The connector {recorded.name} and its application stay, because {users} uses them too."
    )


def _release(run: Run, graph: GraphApi, registered: Json, recorded: RecordedConnector) -> None:
    base_url, added = run.record.base_url, recorded.added_sign_out_uris
    registration.release(run, graph, registered, base_url, added=added)


def _remove_registrations(run: Run, graph: GraphApi, registered: list[Json]) -> None:
    for one in registered:
        run.apply(registration.removal(one), partial(graph.delete_application, one["id"]))


def _switch_off_single_sign_on(run: Run, api: LogtoApi, removed: list[str]) -> None:
    """Turn enterprise SSO off if `setup` turned it on and no connector is left to need it."""
    others = [one for one in api.connectors() if one["id"] not in removed]
    on = api.sign_in_experience().get("singleSignOnEnabled") is True
    if run.record.single_sign_on and on and not others:
        change = Change(what=experience.WHAT, action="turn off", name="sign-in experience")
        run.apply(change, lambda: api.switch_single_sign_on(on=False))
    run.record.single_sign_on = False
    run.save_record()


def _remove_hook(run: Run, api: LogtoApi, product: Product) -> None:
    found = hook.find_hook(api, product)
    if found is not None and hook.is_made(found, product):
        change = Change(
            what=hook.WHAT,
            action="remove",
            detail=product.webhook_url,
            name=str(found["name"]),
            id=found["id"],
        )
        run.apply(change, lambda: api.delete_hook(found["id"]))
    run.record.hook = None
    run.save_record()


def _remove_application(run: Run, api: LogtoApi, product: Product) -> list[str]:
    """Remove the application, or restore an adopted one. Return the ids of what is removed."""
    recorded = run.record.application
    removed: list[str] = []
    for found in api.applications():
        if application.is_made(found, product):
            name, identifier = str(found["name"]), str(found["id"])
            change = Change(
                what=application.WHAT, action="remove", detail=name, name=name, id=identifier
            )
            run.apply(change, partial(api.delete_application, identifier))
            removed.append(identifier)
        elif recorded is not None and found["id"] == recorded.id:
            application.restore(run, api, product, found, recorded)
    run.record.application = None
    run.save_record()
    return removed


def _clear_env_file(run: Run) -> None:
    """Remove from `.env` what `setup` wrote and nobody has changed."""
    record = run.record
    if record.env_file is None:
        return
    path = Path(record.env_file)
    variables = files.read_env(path)
    # The secrets are not in the record. They are the application's own, so they go with its id:
    # beside another id they belong to another application, and stay.
    if _holds_application(variables, record):
        names = [n for n, v in record.written_env.items() if variables.get(n) == v]
        names += [name for name in SECRETS if name in variables]
        change = Change(
            what=str(path),
            action="write",
            detail=f"without {', '.join(names)}",
            values=differences(variables, dict.fromkeys(names), hidden=SECRETS),
        )
        run.apply(change, lambda: files.write_env(path, dict.fromkeys(names)))


def _holds_application(variables: dict[str, str], record: Record) -> bool:
    app_id = variables.get("LOGTO_APP_ID")
    return app_id is not None and app_id == record.written_env.get("LOGTO_APP_ID")


def _clear_samconfig(run: Run) -> None:
    """Remove from `samconfig.toml` what `setup` wrote and nobody has changed."""
    record = run.record
    if record.samconfig is None or not Path(record.samconfig).exists():
        return
    path = Path(record.samconfig)
    parameters = files.read_parameters(path, record.config_env)
    unchanged = {n: None for n, v in record.written.items() if parameters.get(n) == v}
    if unchanged:
        change = Change(
            what=path.name,
            action="write",
            detail=f"without {', '.join(unchanged)}",
            values=differences(parameters, unchanged),
        )
        run.apply(change, lambda: files.write_parameters(path, record.config_env, unchanged))
        run.notes.append("The stack's secrets stay, but their values are no longer valid.")


def _client_id(connector: Json) -> str | None:
    config = connector.get("config")
    found = config.get("clientId") if isinstance(config, dict) else None
    return str(found) if found else None


def _is_recorded(connector: Json, recorded: RecordedConnector) -> bool:
    """Tell whether a connector is the recorded one: by id, or by name while it has no id.

    It has none if the answer to its creation was lost.
    """
    same_name = connector.get("connectorName") == recorded.name
    return connector["id"] == recorded.id or (recorded.id is None and same_name)
