"""Each connector, and the application at Entra that it uses."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from provision.desired import CONNECTOR_SCOPE, PUBLIC_MAIL
from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Json, Seen, Unseen
from provision.steps.connector import PROVIDER, callback_uri

SOON_DAYS: Final = 30
_BY_HAND: Final = "(with --manual-entra, where the application at Entra was made by hand)"


def connectors(seen: Seen) -> list[Finding]:
    """Every check of every connector."""
    if isinstance(seen.connectors, Unseen):
        return [unknown("connectors", seen.connectors.why)]
    entra = [one for one in seen.connectors if one.get("providerName") == PROVIDER]
    if not entra:
        return [
            failed(
                "connectors",
                "there is no connector to Microsoft Entra ID (OIDC)",
                "run setup, or setup connector add",
            )
        ]
    return [check(seen, one) for one in entra for check in _CHECKS]


def issuer(seen: Seen, one: Json) -> Finding:
    """The issuer's discovery document is there and names it."""
    check, named = _name(one, "issuer"), str(_config(one).get("issuer") or "")
    fix = (
        "set the connector's issuer to https://login.microsoftonline.com/<tenant id>/v2.0, without "
        "a slash at the end"
    )
    if named.endswith("/"):
        return failed(check, f"{named} ends with a slash", fix)
    known = seen.issuers.get(one["id"])
    if known is None:
        return unknown(check, "it was not looked up")
    if known.silent:
        return unknown(check, known.failure)
    if known.published is None:
        return failed(check, known.failure, fix)
    if known.published != named:
        return failed(check, f"{named} calls itself {known.published[:200]}", fix)
    return passed(check, named)


def domains(seen: Seen, one: Json) -> Finding:
    """Addresses lead to the connector, and only those of the customer."""
    check, there = _name(one, "domains"), [str(name) for name in one.get("domains") or []]
    public = sorted(PUBLIC_MAIL & set(there))
    if public:
        return failed(
            check,
            f"{', '.join(public)}: anybody can have an address there",
            "take the public mail domains out of the connector",
        )
    if not there:
        return warned(
            check,
            "none: no address leads to this connector, only its button and link do",
            "add the customer's domains: run setup connector add with --domain",
        )
    return passed(check, ", ".join(there))


def scope(seen: Seen, one: Json) -> Finding:
    """Entra is asked for an address and a profile."""
    check, there = _name(one, "scope"), str(_config(one).get("scope") or "").split()
    missing = [name for name in CONNECTOR_SCOPE if name not in there]
    if not there:
        return passed(check, f"as Logto asks by itself: {' '.join(CONNECTOR_SCOPE)}")
    if missing:
        return warned(
            check,
            f"{' '.join(missing)} missing: it is Logto that adds what it needs",
            f"set the connector's scope to {' '.join(CONNECTOR_SCOPE)}: run setup again {_BY_HAND}",
        )
    return passed(check, " ".join(there))


def unverified_email(seen: Seen, one: Json) -> Finding:
    """Whether unverified addresses are believed is somebody's decision."""
    check = _name(one, "unverified addresses")
    trusts = _config(one).get("trustUnverifiedEmail") is True
    if not trusts:
        return warned(
            check,
            "not trusted: Logto keeps no address of these users, since Entra verifies none",
            "trust them with --trust-unverified-email, where the directory hands out addresses of "
            "its own domains alone",
        )
    if not one.get("domains"):
        return warned(
            check,
            "trusted, from a connector without domains of its own",
            "give the connector the customer's domains, or do not trust the addresses",
        )
    return passed(check, "trusted")


def secret_expiry(seen: Seen, one: Json) -> Finding:
    """The client secret lives for a while."""
    check = _name(one, "client secret")
    fix = (
        "run setup again: it makes a new client secret at Entra and puts it into the connector; "
        "where the application was made by hand, make one there, and run setup with --manual-entra "
        "--entra-secret-file"
    )
    ends, why = _secret_ends(seen, one)
    if ends is None:
        return failed(check, why, fix) if why.startswith("Entra") else unknown(check, why)
    days = (ends - datetime.fromtimestamp(seen.now, UTC)).days
    if days < 0:
        return failed(check, f"it ended on {ends.date()}: nobody can sign in", fix)
    if days < SOON_DAYS:
        return warned(check, f"it ends on {ends.date()}, in {days} days", fix)
    return passed(check, f"until {ends.date()}")


def entra_redirect_uri(seen: Seen, one: Json) -> Finding:
    """Entra sends people back to the connector."""
    check, wanted = _name(one, "redirect URI at Entra"), callback_uri(seen.endpoint, one["id"])
    there = seen.registrations.get(one["id"], Unseen("Microsoft Graph was not asked"))
    if isinstance(there, Unseen):
        return unknown(check, there.why)
    if there is None:
        return failed(
            check,
            f"Entra has no application {_config(one).get('clientId')} in this tenant",
            f"run setup again {_BY_HAND}, or correct the connector's client id",
        )
    if wanted in ((there.get("web") or {}).get("redirectUris") or []):
        return passed(check, wanted)
    return failed(
        check,
        "Entra does not know the connector's redirect URI (AADSTS50011)",
        f"add {wanted} to the application, platform Web: run setup again, or do it by hand where "
        "the application was made by hand",
    )


def email_claim(seen: Seen, one: Json) -> Finding:
    """Entra is told to send addresses."""
    check = _name(one, "email claim")
    there = seen.registrations.get(one["id"], Unseen("Microsoft Graph was not asked"))
    if isinstance(there, Unseen) or there is None:
        return unknown(check, there.why if isinstance(there, Unseen) else "no application")
    claims = (there.get("optionalClaims") or {}).get("idToken") or []
    if any(claim.get("name") == "email" for claim in claims):
        return passed(check, "an optional claim of ID tokens")
    return warned(
        check,
        "`email` is not an optional claim: addresses that are no sign-in names are not sent",
        "add the optional claim `email` to ID tokens: run setup again, or do it by hand where the "
        "application was made by hand",
    )


def _secret_ends(seen: Seen, one: Json) -> tuple[datetime | None, str]:
    """When the connector's secret ends, or why that is not known."""
    there = seen.registrations.get(one["id"], Unseen("Microsoft Graph was not asked"))
    recorded = seen.recorded_ends.get(one["id"])
    if isinstance(there, dict):
        hint = str(_config(one).get("clientSecret") or "")[:3]
        ends = [
            datetime.fromisoformat(password["endDateTime"])
            for password in there.get("passwordCredentials") or []
            if password.get("hint") == hint
        ]
        if not ends:
            return None, "Entra has no such secret any more: nobody can sign in"
        return max(ends), ""
    if recorded is not None:
        return datetime.fromisoformat(recorded), ""
    return None, there.why if isinstance(there, Unseen) else "there is no application at Entra"


def _config(one: Json) -> Json:
    found = one.get("config")
    return found if isinstance(found, dict) else {}


def _name(one: Json, what: str) -> str:
    return f"{one.get('connectorName')}: {what}"


_CHECKS: Final[tuple[Callable[[Seen, Json], Finding], ...]] = (
    issuer,
    domains,
    scope,
    unverified_email,
    secret_expiry,
    entra_redirect_uri,
    email_claim,
)
