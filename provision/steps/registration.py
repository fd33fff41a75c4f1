"""The application at Microsoft Entra ID that a connector signs users in with.

It is found again by its tags, which only `setup` writes: one for the connector, and one for each
deployment that uses it. A name would not do, since anybody can choose the same one.

Source: Microsoft's reference of the application resource (tags, web, passwordCredentials).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from provision.desired import Customer, signed_out_uri
from provision.errors import ProvisionFailed, Refused
from provision.graph_api import GraphApi
from provision.json_api import Json
from provision.run import Change, Run, ValueChange, differences
from provision.steps.registration_members import differing_members, members_of
from shared.parsing.urls import is_plain_http_host

WHAT: Final = "application at Entra"
REDIRECT_URI: Final = "redirect URI at Entra"
CREDENTIAL: Final = "client secret at Entra"
SECRET_NAME: Final = "Logto connector (made by setup)"  # noqa: S105 - the name of one
"""Tells the secrets that `setup` made, and may remove, from others."""
RENEW_DAYS: Final = 30
"""A client secret that ends sooner is replaced."""
_USED_BY: Final = "serverless-sign-in-used-by:"
"""Prefix of the tag of each deployment that uses the application."""
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between tries: it takes a moment until all of Graph knows a new application."""


def tag_of(logto: str, connector_name: str) -> str:
    """Return the tag by which the application of a connector is found again."""
    return f"serverless-sign-in:{urlsplit(logto).netloc}/{connector_name}"


def used_by(base_url: str) -> str:
    """Return the tag of a deployment that uses the application."""
    return _USED_BY + base_url


def users_of(registration: Json) -> tuple[str, ...]:
    """Return the base URLs of the deployments that use the application."""
    tags = registration.get("tags") or []
    return tuple(tag.removeprefix(_USED_BY) for tag in tags if tag.startswith(_USED_BY))


def release(
    run: Run, graph: GraphApi, registration: Json, base_url: str, *, added: list[str]
) -> None:
    """Remove a deployment's tag, and the redirect URIs that it added, from an application that
    others still use."""
    tags, uris = registration.get("tags") or [], _redirect_uris(registration)
    body: dict[str, Any] = {}
    if used_by(base_url) in tags:
        body["tags"] = [tag for tag in tags if tag != used_by(base_url)]
    if not set(added).isdisjoint(uris):
        body["web"] = {"redirectUris": [uri for uri in uris if uri not in added]}
    if body:
        change = _change(registration, "release", values=differences(registration, body))
        run.apply(change, lambda: graph.update_application(registration["id"], body))


def find_registration(graph: GraphApi, tag: str, *, client_id: str | None = None) -> Json | None:
    """Find the application with the tag; if there are several, prefer the one with `client_id`."""
    found = graph.applications_with_tag(tag)
    return min(found, key=lambda one: one.get("appId") != client_id) if found else None


def check_not_of_others(found: Json | None, logto: str) -> None:
    """Refuse an application that neither a connector nor the record knows, if it can be another's.

    Its tag has the address of a Logto. That of this machine is the same on every machine.
    """
    if found is not None and is_plain_http_host(urlsplit(logto).hostname):
        raise ProvisionFailed(
            f"Entra has the application {found.get('displayName')} ({found.get('appId')}) for a "
            f"connector of this name at {logto}, maybe of another machine.",
            "Choose another name with --connector-name, or remove the application if nobody uses "
            "it.",
        )


def ensure_registration(
    run: Run, graph: GraphApi, customer: Customer, found: Json | None, *, tag: str
) -> Json | None:
    """Register or complete the application, all but its redirect URIs.

    Return it, or None if a dry run would register it. Raises ProvisionFailed.
    """
    if found is None:
        found = _register(run, graph, customer, tag)
    elif differing := differing_members(found, customer, tag=used_by(run.record.base_url)):
        identifier, values = found["id"], differences(found, differing)
        change = _change(found, "update", detail=", ".join(differing), values=values)
        run.apply(change, lambda: graph.update_application(identifier, differing))
    _ensure_service_principal(run, graph, customer, found)
    return found


def _ensure_service_principal(
    run: Run, graph: GraphApi, customer: Customer, found: Json | None
) -> None:
    """Create the service principal: Entra signs nobody in to an application without one.

    `found` is None in a dry run only: then the application does not exist yet.
    """
    client_id = found["appId"] if found else ""
    if found is not None and graph.has_service_principal(client_id):
        return
    change = Change(
        what="service principal at Entra",
        action="create",
        name=str(found["displayName"]) if found else display_name(customer),
        id=client_id or None,
    )
    run.apply(change, lambda: _patiently(run, lambda: _create_service_principal(graph, client_id)))


def redirect_uris(callback: str, base_url: str) -> tuple[str, ...]:
    """Return the redirect URIs that the application needs.

    They are the connector's callback, and the page to which Microsoft's end of session returns the
    browser: Entra returns it to registered redirect URIs only.
    """
    page = signed_out_uri(base_url)
    return (callback, page) if accepts_redirect_uri(page) else (callback,)


def accepts_redirect_uri(uri: str) -> bool:
    """Tell whether Entra accepts a redirect URI: without TLS, it does for this machine only.

    Source: Microsoft's "Redirect URI (reply URL) restrictions and limitations".
    """
    parts = urlsplit(uri)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1")


def missing_redirect_uris(registration: Json, uris: tuple[str, ...]) -> list[str]:
    """Return the URIs that the application does not have."""
    existing = _redirect_uris(registration)
    return [uri for uri in uris if uri not in existing]


def add_redirect_uris(run: Run, graph: GraphApi, registration: Json, uris: list[str]) -> None:
    """Add URIs to the redirect URIs. Raises ProvisionFailed."""
    if not uris:
        return
    before = _redirect_uris(registration)
    after = [*before, *uris]
    change = _change(
        registration,
        "add",
        what=REDIRECT_URI,
        detail=", ".join(uris),
        values=differences({"redirectUris": before or None}, {"redirectUris": after}),
    )
    body = {"web": {"redirectUris": after}}
    run.apply(
        change,
        lambda: _patiently(run, lambda: graph.update_application(registration["id"], body)),
    )


def _redirect_uris(registration: Json) -> list[str]:
    found: list[str] = (registration.get("web") or {}).get("redirectUris") or []
    return found


def is_lasting_secret(registration: Json, secret: str, *, now: float) -> bool:
    """Tell whether a client secret is the application's and lasts for RENEW_DAYS at least.

    Graph never shows a secret again, only its first three characters.
    """
    until = datetime.fromtimestamp(now, UTC) + timedelta(days=RENEW_DAYS)
    return any(
        password.get("hint") == secret[:3] and ends_at(password) > until
        for password in registration.get("passwordCredentials", [])
    )


def create_secret(
    run: Run, graph: GraphApi, registration: Json | None, customer: Customer, *, now: float
) -> Json | None:
    """Create a client secret. `registration` is None in a dry run only, and so is the result."""
    end = datetime.fromtimestamp(int(now), UTC) + timedelta(days=customer.secret_days)
    text = end.isoformat().replace("+00:00", "Z")
    planned = registration or {"displayName": display_name(customer)}
    change = _change(planned, "create", what=CREDENTIAL, detail=f"until {text[:10]}")
    return run.apply(
        change,
        lambda: _patiently(
            run,
            lambda: graph.add_password((registration or {})["id"], name=SECRET_NAME, ends_at=text),
        ),
    )


def remove_other_secrets(run: Run, graph: GraphApi, registration: Json, *, used: str) -> None:
    """Remove the secrets that `setup` made, except the one that the connector uses."""
    for password in registration.get("passwordCredentials", []):
        if password.get("displayName") == SECRET_NAME and password.get("hint") != used[:3]:
            end = f"until {str(password.get('endDateTime'))[:10]}"
            change = _change(registration, "remove", what=CREDENTIAL, detail=f"unused, {end}")
            run.apply(change, partial(graph.remove_password, registration["id"], password["keyId"]))


def ends_at(password: Json) -> datetime:
    """Return the end of a client secret."""
    return datetime.fromisoformat(password["endDateTime"])


def removal(registration: Json) -> Change:
    """Return the removal of the application."""
    return _change(registration, "remove")


def _change(
    registration: Json,
    action: str,
    *,
    what: str = WHAT,
    detail: str = "",
    values: tuple[ValueChange, ...] = (),
) -> Change:
    """Return a change of an application, which is empty while a dry run would register it."""
    name = str(registration.get("displayName") or "")
    return Change(
        what=what,
        action=action,
        detail=detail or name,
        name=name,
        id=registration.get("appId"),
        values=values,
    )


def display_name(customer: Customer) -> str:
    """Return the name of the application that is registered for a customer."""
    return f"{customer.name} sign-in through Logto"


def _register(run: Run, graph: GraphApi, customer: Customer, tag: str) -> Json | None:
    members = members_of({"tags": [tag]}, customer, tag=used_by(run.record.base_url))
    body = {"displayName": display_name(customer), **members}
    change = _change(body, "create", values=differences({}, members))
    registered = run.apply(change, lambda: graph.create_application(body))
    if registered is not None:
        tenant, client_id = customer.issuer.removesuffix("/v2.0"), registered["appId"]
        run.notes.append(
            "If users may not consent to applications themselves, an administrator has to consent "
            f"once for all: {tenant}/adminconsent?client_id={client_id}"
        )
    return registered


def _patiently[T](run: Run, do: Callable[[], T]) -> T:
    """Repeat a call for a moment while Graph does not know yet what it has just created.

    The two statuses are those with which it says so; any other refusal is final.
    """
    for pause in _PAUSES:
        try:
            return do()
        except Refused as refusal:
            if refusal.status not in (400, 404):
                raise
            run.pause(pause)
    return do()


def _create_service_principal(graph: GraphApi, client_id: str) -> None:
    try:
        graph.create_service_principal(client_id)
    except Refused as refusal:
        if refusal.status != 409:  # it exists: another run, or a call whose answer was lost
            raise
