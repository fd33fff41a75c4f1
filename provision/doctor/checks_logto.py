"""Check Logto as the product uses it: settings, discovery, clock, keys, credentials, URIs."""

from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Json, NotObserved, Observed, ObservedResponse
from shared.clock import CLOCK_SKEW_SECONDS
from shared.errors import ProviderMisbehaved
from shared.oidc.provider import check_keys, check_metadata

_ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def settings(observed: Observed) -> Finding:
    """Check that a function would start with the settings."""
    check = "settings"
    if isinstance(observed.variables, NotObserved):
        return unknown(check, observed.variables.reason)
    if observed.settings_fault is not None:
        return failed(
            check, observed.settings_fault, "Change the variable or the parameter it names."
        )
    return passed(check, f"{len(observed.variables)} variables are valid")


def record(observed: Observed) -> Finding:
    """Check that the record of `setup` is this product's: `teardown` relies on it."""
    check = "record of setup"
    if observed.record_fault is not None:
        return warned(check, *observed.record_fault)
    return passed(check, "fits, or there is none")


def discovery(observed: Observed) -> Finding:
    """Check that the discovery document exists and names this endpoint as issuer."""
    check, document = "discovery and issuer", observed.logto.discovery
    if isinstance(document, NotObserved):
        return failed(check, document.reason, "Correct LOGTO_ENDPOINT, or wait for Logto.")
    if document.is_temporary:
        return failed(
            check,
            f"{observed.endpoint} answers {document.status}.",
            "See Logto's own log, or wait until it answers again.",
        )
    if document.status != 200 or not isinstance(document.body, dict):
        return failed(
            check,
            f"{observed.endpoint} answers {document.status}, without a discovery document.",
            "Set LOGTO_ENDPOINT to the address that the Logto Console shows, without a path.",
        )
    try:
        check_metadata(document.body, endpoint=observed.endpoint)
    except ProviderMisbehaved as fault:
        issuer = str(document.body.get("issuer"))[:200]
        return failed(
            check,
            f"The discovery document of {observed.endpoint} is not valid: {fault}. Its issuer is "
            f"{issuer}.",
            "Set LOGTO_ENDPOINT to the issuer without /oidc, or correct the endpoint that Logto "
            "itself is configured with.",
        )
    return passed(check, f"{observed.endpoint}/oidc")


def clock(observed: Observed) -> Finding:
    """Check that this machine and Logto agree on the time."""
    check, ahead = "clock", observed.logto.ahead_seconds
    if isinstance(ahead, NotObserved):
        return unknown(check, ahead.reason)
    off = round(ahead)
    found = f"This clock is {abs(off)} s {'ahead of' if off > 0 else 'behind'} Logto's."
    fix = "Set the clocks by NTP: tokens are refused if they look older or newer than they are."
    if abs(off) > CLOCK_SKEW_SECONDS:
        return failed(check, found, fix)
    if abs(off) > CLOCK_SKEW_SECONDS / 3:
        return warned(check, found, fix)
    return passed(check, found)


def keys(observed: Observed) -> Finding:
    """Check that there is a public key for the algorithm that ID tokens are signed with."""
    check, document, jwks = "keys and algorithm", observed.logto.discovery, observed.logto.keys
    if isinstance(jwks, NotObserved) or isinstance(document, NotObserved):
        return unknown(check, "There is no discovery document.")
    if document.status != 200 or not isinstance(document.body, dict):
        return unknown(check, "There is no discovery document.")
    if jwks.status != 200:
        return failed(
            check,
            f"{observed.endpoint}/oidc/jwks answers {jwks.status}.",
            "See Logto's own log, and check what is in front of it.",
        )
    announced = document.body.get("id_token_signing_alg_values_supported") or []
    usable = [name for name in announced if name in _ALGORITHMS]
    if not usable:
        return failed(
            check,
            f"ID tokens are signed with {', '.join(map(str, announced)) or 'no algorithm'}.",
            "Rotate the signing keys in the Logto Console to ES384 or RS256.",
        )
    try:
        published = check_keys(jwks.body if isinstance(jwks.body, dict) else {})
    except ProviderMisbehaved as fault:
        return failed(
            check,
            f"The published keys are not valid: {fault}.",
            "Rotate the signing keys in the Logto Console.",
        )
    # The newest key comes first, and it is the one that signs.
    for key in published:
        if (name := _algorithm(key, usable)) is not None:
            return passed(check, f"{name}, {len(published)} keys")
    return failed(
        check,
        f"No published key is for the algorithm {', '.join(usable)}.",
        "Rotate the signing keys in the Logto Console, and wait a minute.",
    )


def _algorithm(key: Json, usable: list[str]) -> str | None:
    """Return the algorithm that a key signs with, if ID tokens may be signed with it.

    Logto's keys name none. An elliptic curve has one; with an RSA key Logto signs with RS256,
    although it announces PS256 before it.
    """
    if key.get("alg"):
        return key["alg"] if key["alg"] in usable else None
    if key.get("kty") == "RSA":
        others = [name for name in usable if name not in _CURVES]
        return "RS256" if "RS256" in others else next(iter(others), None)
    return next((name for name in usable if _CURVES.get(name) == key.get("crv")), None)


def credentials(observed: Observed) -> Finding:
    """Check that Logto accepts the application's id and secret, and refuses only the code."""
    check, response = "client credentials", observed.logto.token
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    match response.error:
        case "invalid_grant":
            return passed(check, "Logto accepts the application's id and secret")
        case "invalid_client" if response.status == 401:
            return failed(
                check,
                "Logto refuses the application's id or secret.",
                "Store the application's id and current secret: run setup again.",
            )
        case "invalid_client":
            return failed(
                check,
                "Logto does not know the application's id.",
                "Set LOGTO_APP_ID to the id of an application of this Logto: run setup again.",
            )
        case "invalid_request" | "unauthorized_client" | "unsupported_grant_type":
            return failed(
                check,
                f"The token endpoint answers {response.error}.",
                "Check that LOGTO_APP_ID is the id of a Traditional web application.",
            )
    return unknown(check, _unclear(response, "The token endpoint"))


def redirect_uri(observed: Observed) -> Finding:
    """Check that the redirect URI is registered."""
    check, desired = "redirect URI", observed.product.redirect_uri
    fix = f"Register {desired} as a redirect URI of the application: run setup again."
    application, response = observed.management.application, observed.logto.redirect
    if isinstance(application, dict):
        return _registered(check, application, "redirectUris", desired, fix)
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    if response.location.startswith(f"{desired}?"):
        return passed(check, desired)
    if response.is_temporary:
        return unknown(check, _unclear(response, "Logto"))
    if response.error == "invalid_client":
        return unknown(check, "Logto does not know the application's id.")
    return failed(check, f"Logto does not redirect to {desired}.", fix)


def post_sign_out_uri(observed: Observed) -> Finding:
    """Check that the page after a sign-out is registered."""
    check, desired = "post-sign-out URI", observed.product.signed_out_uri
    fix = f"Register {desired} as a post sign-out redirect URI of the application: run setup again."
    application, response = observed.management.application, observed.logto.sign_out
    if isinstance(application, dict):
        return _registered(check, application, "postLogoutRedirectUris", desired, fix)
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    if response.status == 200:
        return passed(check, desired)
    if response.is_temporary:
        return unknown(check, _unclear(response, "Logto"))
    if response.error == "invalid_client":
        return unknown(check, "Logto does not know the application's id.")
    return failed(check, f"Logto does not accept {desired} after a sign-out.", fix)


def refresh_tokens(observed: Observed) -> Finding:
    """Check that sign-ins get refresh tokens: `offline_access`, with a prompt for consent."""
    check, application = "refresh tokens", observed.management.application
    client = application.get("customClientMetadata") if isinstance(application, dict) else None
    if (client or {}).get("alwaysIssueRefreshToken") is True:
        return passed(check, "the application always gets them")
    query = observed.sign_in_query()
    if isinstance(query, NotObserved):
        return unknown(check, query.reason)
    scopes = " ".join(query.get("scope", [])).split()
    prompts = " ".join(query.get("prompt", [])).split()
    if "offline_access" in scopes and "consent" in prompts:
        return passed(check, "sign-ins ask for offline_access with consent")
    return failed(
        check,
        f"Sign-ins ask for the scopes {' '.join(scopes) or '(none)'} with the prompt "
        f"{' '.join(prompts) or '(none)'}, so they get no refresh token.",
        "Turn on `Always issue refresh token` for the application, or deploy this version again.",
    )


def _unclear(response: ObservedResponse, who: str) -> str:
    """Say what an answer was that tells nothing about the set-up."""
    error = f" {response.error[:60]}" if response.error else ""
    return f"{who} answers {response.status}{error}."


def _registered(check: str, application: Json, member: str, desired: str, fix: str) -> Finding:
    registered = (application.get("oidcClientMetadata") or {}).get(member) or []
    if desired in registered:
        return passed(check, desired)
    return failed(check, f"Registered URIs: {', '.join(registered) or 'none'}.", fix)


CHECKS = (
    settings,
    record,
    discovery,
    clock,
    keys,
    credentials,
    redirect_uri,
    post_sign_out_uri,
    refresh_tokens,
)
