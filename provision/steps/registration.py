"""The application at Microsoft Entra ID that a connector signs people in by.

Source: Microsoft's reference of the application resource (web, optionalClaims,
groupMembershipClaims, requiredResourceAccess, passwordCredentials).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from provision.desired import AUDIENCE, Customer
from provision.errors import Refused
from provision.graph_api import GraphApi, Json
from provision.run import Change, Run

WHAT: Final = "application at Entra"
REDIRECT_URI: Final = "redirect URI at Entra"
SECRET_NAME: Final = "Logto connector (made by setup)"  # noqa: S105 - the name of one
_USED_BY: Final = "serverless-sign-in-used-by:"
"""Begins the tag of each deployment that needs the application: the last one removes it."""
RENEW_DAYS: Final = 30
"""A client secret that ends sooner is replaced."""
_GRAPH: Final = "00000003-0000-0000-c000-000000000000"
_DELEGATED: Final = (
    "37f7f235-527c-4136-accd-4a02d197296e",  # openid
    "14dad69e-099b-42c9-810b-d002981feec1",  # profile
    "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",  # email
)
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between tries: Graph needs a moment until all of it knows a new application."""


def tag_of(logto: str, connector_name: str) -> str:
    """The tag by which the application of a connector is found again."""
    return f"serverless-sign-in:{urlsplit(logto).netloc}/{connector_name}"


def used_by(base_url: str) -> str:
    """The tag of a deployment that needs the application."""
    return _USED_BY + base_url


def users_of(registration: Json) -> tuple[str, ...]:
    """The base URLs of the deployments that use the application."""
    tags = registration.get("tags") or []
    return tuple(tag.removeprefix(_USED_BY) for tag in tags if tag.startswith(_USED_BY))


def release(run: Run, graph: GraphApi, registration: Json, base_url: str) -> None:
    """The application is no longer used by the deployment at this URL, but by others."""
    there = registration.get("tags") or []
    kept = [tag for tag in there if tag != used_by(base_url)]
    if kept != there:
        change = Change(what=WHAT, action="release", detail=str(registration["displayName"]))
        run.change(change, lambda: graph.update_application(registration["id"], {"tags": kept}))


def find_registration(graph: GraphApi, tag: str, *, client_id: str | None = None) -> Json | None:
    """The application with the tag; the one with the client id where there are several."""
    found = graph.tagged(tag)
    return min(found, key=lambda one: one.get("appId") != client_id) if found else None


def ensure_registration(
    run: Run, graph: GraphApi, customer: Customer, found: Json | None, *, tag: str
) -> Json | None:
    """The application as it has to be, but for its redirect URI; None where a dry run would make
    it. Raises ProvisionFailed."""
    if found is None:
        name = f"{customer.name} sign-in through Logto"
        body = {"displayName": name, **_wanted({"tags": [tag]}, customer, run.record.base_url)}
        made = run.change(
            Change(what=WHAT, action="create", detail=name), lambda: graph.create_application(body)
        )
        if made is None:
            return None
        consent = f"{customer.issuer.removesuffix('/v2.0')}/adminconsent?client_id={made['appId']}"
        run.notes.append(
            f"Where people may not consent to applications themselves, an administrator does so "
            f"once for all: {consent}"
        )
        found = made
    elif differing := _differing(found, customer, run.record.base_url):
        identifier = found["id"]
        change = Change(what=WHAT, action="update", detail=", ".join(differing))
        run.change(change, lambda: graph.update_application(identifier, differing))
    client_id = found["appId"]
    if not graph.has_service_principal(client_id):
        change = Change(what="service principal at Entra", action="create")
        run.change(change, lambda: patiently(run, lambda: _principal(graph, client_id)))
    return found


def ensure_redirect_uri(run: Run, graph: GraphApi, registration: Json, uri: str) -> None:
    """The connector's callback, registered beside whatever is there."""
    there: list[str] = (registration.get("web") or {}).get("redirectUris", [])
    if uri in there:
        return
    change = Change(what=REDIRECT_URI, action="add", detail=uri)
    body = {"web": {"redirectUris": [*there, uri]}}
    run.change(
        change,
        lambda: patiently(run, lambda: graph.update_application(registration["id"], body)),
    )


def lives(registration: Json, secret: str, *, now: float) -> bool:
    """Whether a client secret is one of the application and will be for a while."""
    until = datetime.fromtimestamp(now, UTC) + timedelta(days=RENEW_DAYS)
    return any(
        password.get("hint") == secret[:3] and moment(password["endDateTime"]) > until
        for password in registration.get("passwordCredentials", [])
    )


def new_secret(
    run: Run, graph: GraphApi, registration: Json | None, customer: Customer, *, now: float
) -> Json | None:
    """A new client secret of the application; None in a dry run."""
    ends_at = datetime.fromtimestamp(int(now), UTC) + timedelta(days=customer.secret_days)
    text = ends_at.isoformat().replace("+00:00", "Z")
    change = Change(what="client secret at Entra", action="create", detail=f"until {text[:10]}")
    return run.change(
        change,
        lambda: patiently(
            run,
            lambda: graph.add_password((registration or {})["id"], name=SECRET_NAME, ends_at=text),
        ),
    )


def drop_other_secrets(run: Run, graph: GraphApi, registration: Json, *, used: str) -> None:
    """Remove the secrets that `setup` made and that the connector does not use."""
    for password in registration.get("passwordCredentials", []):
        if password.get("displayName") == SECRET_NAME and password.get("hint") != used[:3]:
            change = Change(what="client secret at Entra", action="remove", detail="unused")
            run.change(
                change, partial(graph.remove_password, registration["id"], password["keyId"])
            )


def patiently[T](run: Run, do: Callable[[], T]) -> T:
    """Try again for a moment while Graph does not know what it has just made."""
    for pause in _PAUSES:
        try:
            return do()
        except Refused as refusal:
            if refusal.status not in (400, 404):
                raise
            run.pause(pause)
    return do()


def moment(text: str) -> datetime:
    """A time as Graph writes it."""
    return datetime.fromisoformat(text)


def _principal(graph: GraphApi, client_id: str) -> None:
    try:
        graph.create_service_principal(client_id)
    except Refused as refusal:
        if refusal.status != 409:  # somebody, or a call whose answer was lost, made it already
            raise


def _differing(found: Json, customer: Customer, base_url: str) -> dict[str, Any]:
    wanted = _wanted(found, customer, base_url)
    return {name: value for name, value in wanted.items() if found.get(name) != value}


def _wanted(found: Json, customer: Customer, base_url: str) -> dict[str, Any]:
    """What the application has to hold, with everything that others have added."""
    tags = found.get("tags") or []
    used = used_by(base_url)
    wanted: dict[str, Any] = {
        "tags": tags if used in tags else [*tags, used],
        "signInAudience": customer.audience or found.get("signInAudience") or AUDIENCE,
        "optionalClaims": _with_email(found.get("optionalClaims") or {}),
        "requiredResourceAccess": _with_permissions(found.get("requiredResourceAccess") or []),
    }
    if customer.group_claims and found.get("groupMembershipClaims") in (None, "None"):
        wanted["groupMembershipClaims"] = "SecurityGroup"
    return wanted


def _with_email(claims: Json) -> Json:
    there = claims.get("idToken") or []
    if any(claim.get("name") == "email" for claim in there):
        return claims
    email: Json = {"name": "email", "source": None, "essential": False, "additionalProperties": []}
    return {"accessToken": [], "saml2Token": [], **claims, "idToken": [*there, email]}


def _with_permissions(access: list[Json]) -> list[Json]:
    there = next((one for one in access if one.get("resourceAppId") == _GRAPH), None)
    granted = list(there.get("resourceAccess", [])) if there else []
    missing = [one for one in _DELEGATED if one not in [grant.get("id") for grant in granted]]
    if not missing:
        return access
    grants = [*granted, *({"id": one, "type": "Scope"} for one in missing)]
    others = [one for one in access if one is not there]
    return [*others, {"resourceAppId": _GRAPH, "resourceAccess": grants}]
