"""Check the deployed product: its pages, its table, its stack."""

from typing import Final
from urllib.parse import parse_qs, urljoin, urlsplit

from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import NotObserved, Observed, ObservedResponse, ObservedStack

OUTPUTS: Final = (
    "HomeUrl",
    "RedirectUri",
    "PostSignOutRedirectUri",
    "BackchannelLogoutUri",
    "WebhookUrl",
    "TableName",
    "AuthFunctionName",
    "AdminFunctionName",
)
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_SEE_LOG: Final = "Look up the reference in x-correlation-id in the function's log."
_OR_RESTART: Final = ", or start the product on this machine again"
_NOT_THE_PRODUCT: Final = (
    "The answer is not the product's, which has x-correlation-id: check the base URL, and what is "
    "in front of the API (DNS, a CDN, a firewall)."
)


def home(observed: Observed) -> Finding:
    """Check that the start page answers, with its security headers."""
    check, url, response = "start page", f"{observed.product.base_url}/", observed.site.home
    if isinstance(response, NotObserved):
        return failed(
            check, response.reason, "Check the base URL and DNS, and that the product is deployed."
        )
    if response.location:
        return _redirected(check, url, response)
    if response.status != 200:
        return failed(check, f"{url} answers {response.status}.", _where_to_look(response))
    missing = [n for n, value in _HEADERS.items() if value not in response.headers.get(n, "")]
    if missing:
        return failed(
            check,
            f"Headers missing or changed: {', '.join(missing)}.",
            "Let everything in front of the API (a CDN, a proxy) pass the headers on, and cache "
            "nothing.",
        )
    return passed(check, url)


def sign_in(observed: Observed) -> Finding:
    """Check that a sign-in leads to this Logto, as this application, and back here."""
    check, response = "sign-in", observed.site.sign_in
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    location = response.location
    if not location:
        return failed(
            check,
            f"/sign-in answers {response.status}, without a redirect.",
            _where_to_look(response),
        )
    if not location.startswith(f"{observed.endpoint}/oidc/auth?"):
        if "/oidc/auth?" not in location:
            return _redirected(check, f"{observed.product.base_url}/sign-in", response)
        return failed(
            check,
            f"/sign-in leads to {location.partition('?')[0][:120]}, not to {observed.endpoint}.",
            f"Deploy the LogtoEndpoint that setup found (sam deploy){_OR_RESTART}.",
        )
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    if query.get("redirect_uri") != observed.product.redirect_uri:
        return failed(
            check,
            f"The redirect URI of a sign-in is {query.get('redirect_uri')}.",
            f"Set BaseUrl (on a laptop BASE_URL) so that it becomes "
            f"{observed.product.redirect_uri}.",
        )
    variables = {} if isinstance(observed.variables, NotObserved) else observed.variables
    app_id = variables.get("LOGTO_APP_ID")
    if app_id and query.get("client_id") != app_id:
        return failed(
            check,
            f"The deployed application is {query.get('client_id')}, but the configured one is "
            f"{app_id}.",
            f"Deploy again (sam deploy){_OR_RESTART}.",
        )
    return passed(check, f"leads to {observed.endpoint}")


def cookie(observed: Observed) -> Finding:
    """Check that the sign-in's cookie is bound to this host and hidden from scripts."""
    check, response, query = "cookie", observed.site.sign_in, observed.sign_in_query()
    if isinstance(response, NotObserved) or isinstance(query, NotObserved):
        return unknown(check, "/sign-in does not lead to a sign-in at this Logto.")
    if not response.set_cookies:
        return failed(
            check, "/sign-in sets no cookie.", "Let the proxy in front pass Set-Cookie on."
        )
    secure = observed.product.base_url.startswith("https://")
    for line in response.set_cookies:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        required = {"httponly", "samesite=lax", "path=/"} | ({"secure"} if secure else set())
        prefixed = line.startswith("__Host-") or not secure
        if not prefixed or required - attributes or any(a.startswith("domain") for a in attributes):
            return failed(
                check,
                "The cookie is not __Host-, Secure, HttpOnly, SameSite=Lax with the path /.",
                "Let everything in front leave Set-Cookie as it is, and set BaseUrl to the https "
                "URL that browsers use.",
            )
    return passed(check, "bound to this host, HttpOnly, SameSite=Lax")


def me(observed: Observed) -> Finding:
    """Check that /me answers a program without a session with 401."""
    check, response = "/me", observed.site.me
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    kind = response.headers.get("content-type", "")
    if response.status == 401 and kind.startswith("application/problem+json"):
        return passed(check, "401 with a sign-in link")
    return failed(
        check,
        f"Without a session it answers {response.status} {kind}.".replace(" .", "."),
        _where_to_look(response)
        if response.is_temporary
        else "Check that GET /me is deployed, and that nothing in front answers in its place.",
    )


def _redirected(check: str, url: str, response: ObservedResponse) -> Finding:
    """Report a redirect that the product itself does not make: to https, a domain, a login."""
    target = urljoin(url, response.location).partition("?")[0]
    return failed(
        check,
        f"{url} redirects to {target[:120]}, which the product does not do.",
        "If that is the product's own address, use it as the base URL. If it is the login of "
        "something in front of the product, let that leave these pages alone.",
    )


def _where_to_look(response: ObservedResponse) -> str:
    return _SEE_LOG if "x-correlation-id" in response.headers else _NOT_THE_PRODUCT


def table(observed: Observed) -> list[Finding]:
    """Check that the table exists, has the right key, and can be restored."""
    found = observed.table
    if isinstance(found, NotObserved):
        return [unknown("table", found.reason)]
    if found is None:
        fix = "Deploy the stack again, or restore the table from its backup."
        return [failed("table", "There is no such table.", fix)]
    ttl = f"on {found.ttl_attribute}" if found.ttl_attribute else "off"
    return [
        passed("table", f"{found.name}, key pk, sk")
        if found.key == ("pk", "sk")
        else failed(
            "table",
            f"The key of {found.name} is {', '.join(found.key)}, not pk, sk.",
            "Let the stack make its own table.",
        ),
        passed("table: TTL", "on expires_at")
        if found.ttl_attribute == "expires_at"
        else failed(
            "table: TTL",
            f"TTL is {ttl}, so ended sessions are never removed.",
            "Turn on TTL for the attribute expires_at.",
        ),
        passed("table: recovery", "point in time")
        if found.point_in_time_recovery
        else failed(
            "table: recovery",
            "Point-in-time recovery is off.",
            "Turn on point-in-time recovery, or deploy the stack again.",
        ),
        passed("table: deletion", "protected")
        if found.deletion_protection
        else warned(
            "table: deletion",
            "The table is not protected from deletion.",
            "Turn on deletion protection.",
        ),
    ]


def stack(observed: Observed) -> list[Finding]:
    """Check that the stack has its outputs, an alias to roll back by, and no ringing alarm."""
    found = observed.stack
    if isinstance(found, NotObserved):
        return [unknown("stack", found.reason)]
    missing = [name for name in OUTPUTS if name not in found.outputs]
    return [
        failed(
            "stack: outputs",
            f"Outputs missing: {', '.join(missing)}.",
            "Deploy this version (sam deploy).",
        )
        if missing
        else passed("stack: outputs", f"{found.name}, {len(found.outputs)} outputs"),
        passed("stack: alias", ", ".join(found.aliases))
        if found.aliases
        else warned(
            "stack: alias",
            "No function has an alias, so a bad version cannot be rolled back at once.",
            "Deploy a version of the template with AutoPublishAlias.",
        ),
        _alarms(found),
    ]


def _alarms(found: ObservedStack) -> Finding:
    check = "stack: alarms"
    ringing = sorted(name for name, state in found.alarms.items() if state == "ALARM")
    if ringing:
        return failed(
            check,
            f"In alarm: {', '.join(ringing)}.",
            "See docs/operations.md for what each alarm means.",
        )
    if found.alarms:
        return passed(check, f"{len(found.alarms)}, none in alarm")
    fix = "Deploy with alarms, and subscribe somebody to them."
    return warned(check, "The stack has no alarms.", fix)


SITE_CHECKS = (home, sign_in, cookie, me)
