"""Check that Logto accepts the sign-ins that the product starts, all that they ask for included."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urljoin, urlsplit

from provision.doctor.collect_sign_in import STORED
from provision.doctor.finding import Finding, Status, failed, passed, unknown, warned
from provision.doctor.observed import NotObserved, Observed, ObservedResponse, ObservedSignIn
from shared.parsing.urls import origin_of
from shared.scopes import ORGANIZATION_URN

_CHECK: Final = "sign-in at Logto"
_ORGANIZATIONS_RESOURCE: Final = "urn:logto:resource:organizations"
"""The SDK asks for it along with the scope for organizations."""
_APPLICATION: Final = (
    "Set LOGTO_APP_ID to the id of a Traditional web application of this Logto: run setup again."
)
_SEVERITY: Final = (Status.FAIL, Status.WARN, Status.UNKNOWN, Status.PASS)


def sign_in_at_logto(observed: Observed) -> Finding:
    """Start the sign-ins, and judge Logto's responses: the worst one counts."""
    if isinstance(observed.sign_ins, NotObserved):
        return unknown(_CHECK, observed.sign_ins.reason)
    findings = [_judge(observed, one) for one in observed.sign_ins]
    return min(findings, key=lambda one: _SEVERITY.index(one.status))


def _judge(observed: Observed, sign_in: ObservedSignIn) -> Finding:
    response = sign_in.response
    if isinstance(response, NotObserved):
        return unknown(_CHECK, response.reason)
    if not response.location:
        return _without_redirect(observed, sign_in, response)
    target = urljoin(sign_in.url, response.location)
    if target.startswith(f"{_value(sign_in, 'redirect_uri')}?"):
        error = parse_qs(urlsplit(target).query).get("error", [""])[0]
        return _refused(sign_in, error) if error else passed(_CHECK, "Logto accepts it")
    if _origin(target) == _origin(observed.endpoint):
        resources = len(sign_in.query.get("resource", []))
        scopes = len(_value(sign_in, "scope").split())
        return passed(_CHECK, f"Logto accepts {scopes} scopes and {resources} resources")
    return warned(
        _CHECK,
        f"Logto sends the browser to {_origin(target)[:120]}, not to a page of its own.",
        "Check that nothing in front of Logto answers in its place.",
    )


def _without_redirect(
    observed: Observed, sign_in: ObservedSignIn, response: ObservedResponse
) -> Finding:
    """Judge an answer that stays at Logto, as it does if it must not redirect."""
    if response.error == "invalid_client":
        return failed(
            _CHECK, f"Logto does not know the application {_client(sign_in)}.", _APPLICATION
        )
    if response.error == "invalid_redirect_uri":
        uri = _value(sign_in, "redirect_uri")
        return failed(
            _CHECK,
            f"The redirect URI {uri[:200]} is not registered.",
            f"Register {observed.product.redirect_uri} as a redirect URI of the application (run "
            "setup again), and let BASE_URL be the URL that browsers use.",
        )
    if response.is_temporary:
        return failed(
            _CHECK,
            f"Logto answers a sign-in with {response.status}.",
            "See Logto's own log, or wait until it answers again.",
        )
    return failed(
        _CHECK,
        f"Logto answers a sign-in with {response.status}, without a redirect.",
        "Check that nothing in front of Logto answers in its place.",
    )


def _refused(sign_in: ObservedSignIn, error: str) -> Finding:
    """Judge an error that the product's callback would get from every sign-in."""
    fix = _FIXES.get(error)
    if fix is None:
        return failed(
            _CHECK,
            f"Logto refuses {_whose(sign_in)} with the OAuth error {_word(error)}.",
            "See the audit log in the Logto Console.",
        )
    named = f": {', '.join(sign_in.refused_resources)}" if sign_in.refused_resources else ""
    found = f"Logto refuses {_whose(sign_in)} with the OAuth error {error}{named}."
    return failed(_CHECK, found, fix(sign_in))


def _target_fix(sign_in: ObservedSignIn) -> str:
    """Return what to do about resources that Logto does not know."""
    refused = list(sign_in.refused_resources or sign_in.query.get("resource", []))
    organizations = [one for one in refused if one.startswith(ORGANIZATION_URN)]
    unknown_ones = [
        one for one in refused if one not in organizations and one != _ORGANIZATIONS_RESOURCE
    ]
    fixes = []
    if unknown_ones:
        fixes.append(
            f"Register {', '.join(unknown_ones)} under API resources in the Logto Console, spelled "
            "exactly so, or remove it from LOGTO_RESOURCES."
        )
    if organizations:
        fixes.append(
            f"Remove {', '.join(organizations)} from LOGTO_RESOURCES: organizations are not API "
            "resources, and their ids go into LOGTO_ORGANIZATIONS."
        )
    if _ORGANIZATIONS_RESOURCE in refused:
        fixes.append(
            "This Logto has no organizations: remove urn:logto:scope:organizations from "
            "LOGTO_SCOPES, or update Logto."
        )
    return " ".join([*fixes, "Then deploy again, or start the product again."])


_FIXES: Final[dict[str, Callable[[ObservedSignIn], str]]] = {
    "invalid_target": _target_fix,
    "invalid_scope": lambda one: "Correct LOGTO_SCOPES, and deploy again.",
    "unauthorized_client": lambda one: _APPLICATION,
    "unsupported_response_type": lambda one: _APPLICATION,
    "invalid_client": lambda one: _APPLICATION,
}
"""Fixes by OAuth error."""


def _whose(sign_in: ObservedSignIn) -> str:
    return "a sign-in with the stored settings" if sign_in.source == STORED else "every sign-in"


def _word(error: str) -> str:
    """Return the part of an error code that a terminal can show as it is."""
    return "".join(c for c in error if c.isascii() and (c.isalnum() or c in "_-. "))[:60]


def _client(sign_in: ObservedSignIn) -> str:
    return _value(sign_in, "client_id")[:80]


def _value(sign_in: ObservedSignIn, name: str) -> str:
    return sign_in.query.get(name, [""])[0]


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:
        return "an address that is not valid"


CHECKS = (sign_in_at_logto,)
