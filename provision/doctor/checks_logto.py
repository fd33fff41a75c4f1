"""Logto as the product meets it: settings, discovery, clock, keys, credentials, URIs."""

from urllib.parse import parse_qs, urlsplit

from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Seen, Unseen
from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import ProviderMisbehaved
from shared.oidc.provider import check_keys, check_metadata

_ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def settings(seen: Seen) -> Finding:
    """The settings are those that a process would start with."""
    check = "settings"
    if isinstance(seen.variables, Unseen):
        return unknown(check, seen.variables.why)
    if seen.settings_fault is not None:
        return failed(check, seen.settings_fault, "change the variable or parameter that is named")
    return passed(check, f"{len(seen.variables)} variables are valid")


def discovery(seen: Seen) -> Finding:
    """The discovery document is there, and names this endpoint as issuer."""
    check = "discovery and issuer"
    if isinstance(seen.discovery, Unseen):
        return failed(check, seen.discovery.why, "correct LOGTO_ENDPOINT, or wait for Logto")
    if seen.discovery.status != 200 or not isinstance(seen.discovery.body, dict):
        return failed(
            check,
            f"{seen.endpoint} answers {seen.discovery.status}, with no discovery document",
            "set LOGTO_ENDPOINT to the address that the Logto Console shows, without a path",
        )
    try:
        check_metadata(seen.discovery.body, endpoint=seen.endpoint)
    except ProviderMisbehaved as fault:
        issuer = str(seen.discovery.body.get("issuer"))[:200]
        return failed(
            check,
            f"{fault}; it says {issuer}",
            "set LOGTO_ENDPOINT to the issuer without /oidc, or correct the endpoint that Logto "
            "itself is configured with",
        )
    return passed(check, f"{seen.endpoint}/oidc")


def clock(seen: Seen) -> Finding:
    """This machine and Logto agree on the time."""
    check = "clock"
    if isinstance(seen.ahead_seconds, Unseen):
        return unknown(check, seen.ahead_seconds.why)
    off = round(seen.ahead_seconds)
    told = f"this clock is {abs(off)} s {'ahead of' if off > 0 else 'behind'} Logto's"
    fix = "set the clocks by NTP: tokens that look older or newer than they are get refused"
    if abs(off) > CLOCK_SKEW_SECONDS:
        return failed(check, told, fix)
    if abs(off) > CLOCK_SKEW_SECONDS / 3:
        return warned(check, told, fix)
    return passed(check, told)


def keys(seen: Seen) -> Finding:
    """There is a public key for the algorithm that ID tokens are signed with."""
    check = "keys and algorithm"
    if isinstance(seen.keys, Unseen) or isinstance(seen.discovery, Unseen):
        return unknown(check, "no discovery document")
    metadata = seen.discovery.body if isinstance(seen.discovery.body, dict) else {}
    announced = metadata.get("id_token_signing_alg_values_supported") or []
    usable = [name for name in announced if name in _ALGORITHMS]
    if not usable:
        return failed(
            check,
            f"ID tokens are signed with {', '.join(map(str, announced)) or 'nothing'}",
            "rotate the signing keys in the Logto Console to ES384 or RS256",
        )
    try:
        found = check_keys(seen.keys.body if isinstance(seen.keys.body, dict) else {})
    except ProviderMisbehaved as fault:
        return failed(check, str(fault), "rotate the signing keys in the Logto Console")
    kinds = {(key.get("kty"), key.get("crv")) for key in found}
    for name in usable:
        if (("EC", _CURVES[name]) if name in _CURVES else ("RSA", None)) in kinds:
            return passed(check, f"{name}, {len(found)} keys")
    return failed(
        check,
        f"no published key is of the algorithm {', '.join(usable)}",
        "rotate the signing keys in the Logto Console, and wait a minute",
    )


def credentials(seen: Seen) -> Finding:
    """Logto accepts the application's id and secret: a bad code is all that it refuses."""
    check = "client credentials"
    if isinstance(seen.token_error, Unseen):
        return unknown(check, seen.token_error.why)
    if seen.token_error == "invalid_grant":  # noqa: S105 - an error code
        return passed(check, "Logto accepts the application's id and secret")
    if seen.token_error == "invalid_client":  # noqa: S105
        return failed(
            check,
            "Logto refuses the application's id or secret",
            "put the application's id and its present secret in place: run setup again",
        )
    return failed(
        check,
        f"the token endpoint answers {seen.token_error[:60]}",
        "check that LOGTO_APP_ID is the id of a Traditional web application",
    )


def redirect_uri(seen: Seen) -> Finding:
    """The redirect URI is registered."""
    check, wanted = "redirect URI", seen.product.redirect_uri
    fix = f"register {wanted} as a redirect URI of the application: run setup again"
    if isinstance(seen.application, dict):
        return _registered(check, seen.application, "redirectUris", wanted, fix)
    if isinstance(seen.redirect, Unseen):
        return unknown(check, seen.redirect.why)
    location = seen.redirect.headers.get("location", "")
    if seen.redirect.status in (302, 303) and location.startswith(f"{wanted}?"):
        return passed(check, wanted)
    return failed(check, f"Logto does not send people back to {wanted}", fix)


def post_sign_out_uri(seen: Seen) -> Finding:
    """The page after a sign-out is registered."""
    check, wanted = "post-sign-out URI", seen.product.post_sign_out_uri
    fix = f"register {wanted} as a post sign-out redirect URI of the application: run setup again"
    if isinstance(seen.application, dict):
        return _registered(check, seen.application, "postLogoutRedirectUris", wanted, fix)
    if isinstance(seen.sign_out, Unseen):
        return unknown(check, seen.sign_out.why)
    if seen.sign_out.status == 200:
        return passed(check, wanted)
    return failed(check, f"Logto does not take {wanted} after a sign-out", fix)


def refresh_tokens(seen: Seen) -> Finding:
    """Sign-ins bring refresh tokens: `offline_access`, with a prompt for consent."""
    check = "refresh tokens"
    application = seen.application if isinstance(seen.application, dict) else {}
    if (application.get("customClientMetadata") or {}).get("alwaysIssueRefreshToken") is True:
        return passed(check, "the application always gets them")
    if isinstance(seen.sign_in, Unseen):
        return unknown(check, seen.sign_in.why)
    asked = parse_qs(urlsplit(seen.sign_in.headers.get("location", "")).query)
    scopes = " ".join(asked.get("scope", [])).split()
    prompts = " ".join(asked.get("prompt", [])).split()
    if "offline_access" in scopes and "consent" in prompts:
        return passed(check, "sign-ins ask for offline_access with consent")
    return failed(
        check,
        f"sign-ins ask for the scopes {' '.join(scopes) or '(none)'} with the prompt "
        f"{' '.join(prompts) or '(none)'}",
        "turn on `Always issue refresh token` for the application, or deploy this version again",
    )


def _registered(check: str, application: object, name: str, wanted: str, fix: str) -> Finding:
    assert isinstance(application, dict)
    there = (application.get("oidcClientMetadata") or {}).get(name) or []
    if wanted in there:
        return passed(check, wanted)
    return failed(check, f"registered are {', '.join(there) or 'none'}", fix)


CHECKS = (
    settings,
    discovery,
    clock,
    keys,
    credentials,
    redirect_uri,
    post_sign_out_uri,
    refresh_tokens,
)
