"""Collect how Logto answers the sign-ins that the product starts, with every scope and resource."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from provision.doctor.collect_logto import response_to
from provision.doctor.observed import Json, NotObserved, ObservedResponse, ObservedSignIn
from provision.http import JsonClient
from shared.errors import ProviderMisbehaved
from shared.oidc.http_client import Response
from shared.oidc.provider import check_metadata
from shared.oidc.sdk import Client, Core, UnitOfWork, sdk_config
from shared.settings import Settings

RUNNING, STORED = "the product", "the stored settings"
_COMPARED = ("client_id", "redirect_uri", "scope", "resource")
"""The parameters by which an authorization request depends on the settings."""


def collect_sign_ins(
    endpoint: str,
    redirect_uri: str,
    *,
    running: ObservedResponse | NotObserved,
    settings: Settings | None,
    discovery: ObservedResponse | NotObserved,
) -> tuple[ObservedSignIn, ...] | NotObserved:
    """Send the authorization request of the running product, and that of the stored settings.

    The second one is left out if it asks for the same. Nobody finishes either, so both expire.
    `running` is the product's response to /sign-in; `settings` are None if they are not valid.
    """
    urls: dict[str, str] = {}
    location = running.location if isinstance(running, ObservedResponse) else ""
    if location.startswith(f"{endpoint}/oidc/auth?"):
        urls[RUNNING] = location
    document = discovery.body if isinstance(discovery, ObservedResponse) else None
    if settings is not None and isinstance(document, dict):
        stored = _authorization_url(endpoint, redirect_uri, settings, document)
        if stored is not None and _compared(stored) != _compared(location):
            urls[STORED] = stored
    if not urls:
        return NotObserved("Neither the product nor valid settings show how a sign-in starts.")
    with JsonClient(endpoint, name="Logto") as http:
        return tuple(_observed(http, endpoint, source, url) for source, url in urls.items())


def _authorization_url(
    endpoint: str, redirect_uri: str, settings: Settings, document: Json
) -> str | None:
    """Build the request as the product does; None if discovery does not allow it."""
    try:
        core = Core(check_metadata(document, endpoint=endpoint), _never_sent)
    except ProviderMisbehaved:
        return None
    connector = settings.logto_default_connector
    extra = {"direct_sign_in": f"sso:{connector}"} if connector else {}
    return Client(sdk_config(settings), UnitOfWork(), core, extra=extra).begin(redirect_uri)[0]


def _never_sent(form: dict[str, str]) -> Response:
    raise AssertionError("an authorization request is built without a request to Logto")


def _compared(url: str) -> dict[str, set[str]]:
    """Return what a request asks for. The order of scopes and resources does not matter."""
    found: dict[str, set[str]] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        if name in _COMPARED:
            found.setdefault(name, set()).update(value.split())
    return found


def _observed(http: JsonClient, endpoint: str, source: str, url: str) -> ObservedSignIn:
    response = _sent(http, endpoint, url)
    resources = [value for name, value in parse_qsl(urlsplit(url).query) if name == "resource"]
    refused = (
        [one for one in resources if _is_refused(_sent(http, endpoint, _with_only(url, one)))]
        if _is_refused(response)
        else []
    )
    return ObservedSignIn(
        source=source, url=url, response=response, refused_resources=tuple(refused)
    )


def _sent(http: JsonClient, endpoint: str, url: str) -> ObservedResponse | NotObserved:
    return response_to(http, "GET", url.removeprefix(endpoint))


def _is_refused(response: Any) -> bool:
    """Tell whether Logto refuses a resource of the request (RFC 8707 section 2)."""
    if isinstance(response, NotObserved):
        return False
    return ("error", "invalid_target") in parse_qsl(urlsplit(response.location).query)


def _with_only(url: str, resource: str) -> str:
    """Return the request with one of its resources alone."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] != "resource"]
    return parts._replace(query=urlencode([*kept, ("resource", resource)])).geturl()
