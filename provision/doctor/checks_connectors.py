"""Check each connector, and the application at Entra that it uses."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from provision.desired import CONNECTOR_SCOPE, PUBLIC_MAIL, is_guid
from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Json, NotObserved, Observed, is_draft
from provision.microsoft import better_issuer, names_one_tenant
from provision.steps.connector import PROVIDER, callback_uri
from provision.steps.registration import RENEW_DAYS, accepts_redirect_uri, ends_at
from provision.steps.trust import distrust_command, is_trusting, name_of

_BY_HAND: Final = "(with --manual-entra, if the application at Entra was registered by hand)"
_NO_GRAPH: Final = NotObserved("Microsoft Graph was not asked.")


def connectors(observed: Observed) -> list[Finding]:
    """Run every check of every connector to Microsoft Entra ID, and that of trust for others."""
    found = observed.management.connectors
    if isinstance(found, NotObserved):
        return [unknown("connectors", found.reason)]
    entra = [one for one in found if one.get("providerName") == PROVIDER]
    if not entra:
        return [
            failed(
                "connectors",
                "There is no connector to Microsoft Entra ID (OIDC).",
                "Run setup, or setup connector add.",
            )
        ]
    drafts = [one for one in entra if is_draft(one)]
    others = [one for one in found if one not in entra and is_trusting(one)]
    return [
        *(draft(one, alone=drafts == entra) for one in drafts),
        *(check(observed, one) for one in entra if one not in drafts for check in _CHECKS),
        *(unverified_email(observed, one) for one in others),
    ]


def draft(connector: Json, *, alone: bool) -> Finding:
    """Report a connector without an issuer or a client id, which Logto offers to nobody.

    `alone`: there is no connector but such ones.
    """
    missing = [name for name in ("issuer", "clientId") if not _config(connector).get(name)]
    report = failed if alone else warned
    return report(
        _name(connector, "draft"),
        f"It is a draft without {' and '.join(missing)}, so Logto offers it to nobody.",
        "Complete the connector in the Logto Console, or delete it there and run setup connector "
        "add.",
    )


def issuer(observed: Observed, connector: Json) -> Finding:
    """Check that the issuer has a discovery document which names it."""
    check, named = _name(connector, "issuer"), str(_config(connector).get("issuer") or "")
    fix = _issuer_fix(better_issuer(named))
    if not names_one_tenant(named.rstrip("/")):
        return failed(
            check,
            f"{named[:200]} does not name a single tenant, so Logto can check no token of it.",
            fix,
        )
    if named.endswith("/"):
        return failed(check, f"{named} ends with a slash.", _issuer_fix(named.rstrip("/")))
    known = observed.management.issuers.get(connector["id"])
    if known is None:
        return unknown(check, "The issuer was not fetched.")
    if known.unreachable:
        return unknown(check, known.failure)
    if known.published is None:
        return failed(check, known.failure, fix)
    if known.published != named:
        return failed(
            check,
            f"{named} names the issuer {known.published[:200]}.",
            _issuer_fix(better_issuer(named, known.published)),
        )
    return passed(check, named)


def _issuer_fix(issuer: str) -> str:
    return f"Set the connector's issuer to {issuer}, without a slash at the end."


def domains(observed: Observed, connector: Json) -> Finding:
    """Check that e-mail addresses lead to the connector, and only the customer's own."""
    check, names = _name(connector, "domains"), [str(one) for one in connector.get("domains") or []]
    public = sorted(PUBLIC_MAIL & set(names))
    if public:
        return failed(
            check,
            f"Public mail domains, where anybody can have an address: {', '.join(public)}.",
            "Remove the public mail domains from the connector.",
        )
    if not names:
        return warned(
            check,
            "There are none, so no address leads to this connector: only its button and link do.",
            "Add the customer's domains: run setup connector add with --domain.",
        )
    return passed(check, ", ".join(names))


def scope(observed: Observed, connector: Json) -> Finding:
    """Check that Logto asks Entra for an address and a profile."""
    check, scopes = _name(connector, "scope"), str(_config(connector).get("scope") or "").split()
    default = " ".join(CONNECTOR_SCOPE)
    missing = [name for name in CONNECTOR_SCOPE if name not in scopes]
    if not scopes:
        return passed(check, f"Logto's own default: {default}")
    if missing:
        return warned(
            check,
            f"{' '.join(missing)} missing: the connector relies on Logto to add them.",
            f"Set the connector's scope to {default}: run setup again {_BY_HAND}.",
        )
    return passed(check, " ".join(scopes))


def unverified_email(observed: Observed, connector: Json) -> Finding:
    """Check that unverified addresses are trusted by a decision, and of one directory only."""
    check, found = _name(connector, "unverified addresses"), observed.management.connectors
    beside_others = isinstance(found, list) and len(found) > 1
    if beside_others and is_trusting(connector):
        return failed(
            check,
            "Trusted beside other connectors: an administrator of this directory can write "
            "anybody's address into it, and sign in as another customer's user.",
            f"Run {distrust_command(name_of(connector))}.",
        )
    if beside_others:
        return passed(check, "not trusted, as it has to be beside other connectors")
    if not is_trusting(connector):
        return warned(
            check,
            "Not trusted, so Logto keeps no address for these users: Entra verifies none.",
            "Trust them with --trust-unverified-email, if the directory gives out addresses of its "
            "own domains only.",
        )
    if not connector.get("domains"):
        return warned(
            check,
            "Trusted, but the connector has no domains of its own.",
            "Give the connector the customer's domains, or do not trust the addresses.",
        )
    return passed(check, "trusted")


def secret_expiry(observed: Observed, connector: Json) -> Finding:
    """Check that the client secret is valid for a while."""
    check = _name(connector, "client secret")
    fix = (
        "Run setup again: it makes a new client secret at Entra and puts it into the connector. If "
        "the application was registered by hand, make one there, and run setup with --manual-entra "
        "--entra-secret-file."
    )
    secret = str(_config(connector).get("clientSecret") or "")
    if not secret:
        return failed(check, "The connector has no client secret, so nobody can sign in.", fix)
    if is_guid(secret):
        return failed(
            check,
            "It is a GUID: that is the secret's id, not its value.",
            f"Entra shows a secret's value once, right after it was made. {fix}",
        )
    ends = _secret_end(observed, connector)
    if isinstance(ends, NotObserved):
        return unknown(check, ends.reason)
    if ends is None:
        return failed(check, "Entra no longer has this secret, so nobody can sign in.", fix)
    days = (ends - datetime.fromtimestamp(observed.now, UTC)).days
    if days < 0:
        return failed(check, f"It ended on {ends.date()}, so nobody can sign in.", fix)
    if days < RENEW_DAYS:
        return warned(check, f"It ends on {ends.date()}, in {days} days.", fix)
    return passed(check, f"until {ends.date()}")


def entra_redirect_uri(observed: Observed, connector: Json) -> Finding:
    """Check that Entra redirects to the connector."""
    check = _name(connector, "redirect URI at Entra")
    desired = callback_uri(observed.endpoint, connector["id"])
    registration = _registration(observed, connector)
    if isinstance(registration, NotObserved):
        return unknown(check, registration.reason)
    if registration is None:
        return failed(
            check,
            f"Entra has no application {_config(connector).get('clientId')} in this tenant.",
            f"Run setup again {_BY_HAND}, or correct the connector's client id.",
        )
    if desired in _redirect_uris(registration):
        return passed(check, desired)
    return failed(
        check,
        "Entra does not know the connector's redirect URI (AADSTS50011).",
        f"Add {desired} to the application, platform Web: run setup again, or do it by hand if the "
        "application was registered by hand.",
    )


def entra_sign_out_uri(observed: Observed, connector: Json) -> Finding:
    """Check that Microsoft's end of session can return the browser to the product."""
    check, desired = _name(connector, "sign-out URI at Entra"), observed.product.signed_out_uri
    registration = _registration(observed, connector)
    if isinstance(registration, NotObserved):
        return unknown(check, registration.reason)
    if registration is None:
        return unknown(check, "There is no application at Entra.")
    if not accepts_redirect_uri(desired):
        return unknown(
            check, f"Entra does not accept {desired}, which has neither https nor localhost."
        )
    if desired in _redirect_uris(registration):
        return passed(check, desired)
    return warned(
        check,
        f"Entra does not know {desired}, so a sign-out there ends on a page of Microsoft's.",
        f"Add {desired} to the application, platform Web: run setup again, or do it by hand if the "
        "application was registered by hand.",
    )


def email_claim(observed: Observed, connector: Json) -> Finding:
    """Check that Entra sends e-mail addresses."""
    check, registration = _name(connector, "email claim"), _registration(observed, connector)
    if isinstance(registration, NotObserved):
        return unknown(check, registration.reason)
    if registration is None:
        return unknown(check, "There is no application at Entra.")
    claims = (registration.get("optionalClaims") or {}).get("idToken") or []
    if any(claim.get("name") == "email" for claim in claims):
        return passed(check, "an optional claim of ID tokens")
    return warned(
        check,
        "`email` is not an optional claim, so Entra sends an address only if it is the sign-in "
        "name.",
        "Add the optional claim `email` to ID tokens: run setup again, or do it by hand if the "
        "application was registered by hand.",
    )


def _secret_end(observed: Observed, connector: Json) -> datetime | NotObserved | None:
    """Return when the connector's secret ends; None if Entra does not have it any more."""
    registration = _registration(observed, connector)
    if isinstance(registration, dict):
        # Graph never shows a secret again, only its first three characters.
        hint = str(_config(connector).get("clientSecret") or "")[:3]
        passwords = registration.get("passwordCredentials") or []
        return max((ends_at(one) for one in passwords if one.get("hint") == hint), default=None)
    recorded = observed.recorded_ends.get(connector["id"])
    if recorded is not None:
        return datetime.fromisoformat(recorded)
    return registration or NotObserved("There is no application at Entra.")


def _registration(observed: Observed, connector: Json) -> Json | NotObserved | None:
    return observed.management.registrations.get(connector["id"], _NO_GRAPH)


def _redirect_uris(registration: Json) -> list[str]:
    return (registration.get("web") or {}).get("redirectUris") or []


def _config(connector: Json) -> Json:
    found = connector.get("config")
    return found if isinstance(found, dict) else {}


def _name(connector: Json, what: str) -> str:
    return f"{connector.get('connectorName')}: {what}"


_CHECKS: Final[tuple[Callable[[Observed, Json], Finding], ...]] = (
    issuer,
    domains,
    scope,
    unverified_email,
    secret_expiry,
    entra_redirect_uri,
    entra_sign_out_uri,
    email_claim,
)
