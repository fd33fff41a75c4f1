"""Endings from outside: the application's back-channel logout, and the webhook."""

from provision.desired import EVENTS
from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Seen, Unseen


def management(seen: Seen) -> Finding:
    """The Management API answers the credentials that were given."""
    check = "Management API"
    if isinstance(seen.management, Unseen):
        return unknown(check, seen.management.why)
    if seen.management:
        what, _, fix = seen.management.partition(": ")
        return failed(check, what, fix or "check the network, and run it again")
    return passed(check, "answers")


def application(seen: Seen) -> Finding:
    """Logto has the application that the product is told to be."""
    check = "application at Logto"
    if isinstance(seen.application, Unseen):
        return unknown(check, seen.application.why)
    if seen.application is None:
        return failed(
            check,
            "Logto has no Traditional web application with the id that is set",
            "run setup again, and deploy the id that it finds",
        )
    return passed(check, str(seen.application.get("name")))


def backchannel(seen: Seen) -> Finding:
    """Logto tells the product of sign-outs, with the session's id."""
    check, wanted = "back-channel logout", seen.product.backchannel_uri
    if not isinstance(seen.application, dict):
        return unknown(check, _why(seen.application))
    metadata = seen.application.get("oidcClientMetadata") or {}
    there = metadata.get("backchannelLogoutUri")
    if there != wanted:
        return failed(
            check,
            f"registered is {there or 'nothing'}",
            f"register {wanted} as the back-channel logout URI: run setup again",
        )
    if metadata.get("backchannelLogoutSessionRequired") is not True:
        return failed(
            check,
            "logout tokens come without the session's id (sid), so a sign-out anywhere ends every "
            "session of the user",
            "turn on `Is session required` for back-channel logout: run setup again",
        )
    return passed(check, f"{wanted}, with sid")


def backchannel_answers(seen: Seen) -> Finding:
    """The product's endpoint for it is reachable."""
    check = "back-channel logout answers"
    if isinstance(seen.backchannel, Unseen):
        return unknown(check, seen.backchannel.why)
    if seen.backchannel.status == 400:
        return passed(check, "a bad logout token is refused")
    return failed(
        check,
        f"a bad logout token is answered with {seen.backchannel.status}, not 400",
        "check that the route POST /backchannel-logout is deployed, and its log",
    )


def webhook(seen: Seen) -> Finding:
    """Logto tells the product of suspended and deleted users."""
    check, wanted = "webhook", seen.product.webhook_url
    if isinstance(seen.hook, Unseen):
        return unknown(check, seen.hook.why)
    if seen.hook is None:
        return failed(
            check,
            "no webhook leads to the product: people who are suspended stay signed in",
            f"make a webhook to {wanted} for {' and '.join(EVENTS)}: run setup again",
        )
    missing = [name for name in EVENTS if name not in (seen.hook.get("events") or [])]
    if missing:
        return failed(
            check,
            f"the webhook does not tell of {', '.join(missing)}",
            f"add {', '.join(missing)} to the webhook: run setup again",
        )
    if seen.hook.get("enabled") is False:
        return failed(check, "the webhook is off", "enable the webhook: run setup again")
    return passed(check, wanted)


def webhook_answers(seen: Seen) -> Finding:
    """The product takes what the webhook's key signs."""
    check = "webhook answers"
    if isinstance(seen.webhook, Unseen):
        return unknown(check, seen.webhook.why)
    if seen.webhook.status == 200:
        return passed(check, "an event signed with the webhook's key is taken")
    if seen.webhook.status == 400:
        return failed(
            check,
            "the product refuses the signature of the webhook's key",
            "store the webhook's signing key (LOGTO_WEBHOOK_SIGNING_KEY): run setup again",
        )
    return failed(
        check,
        f"a signed event is answered with {seen.webhook.status}",
        "check that the route POST /webhooks/logto is deployed, and that its function can read the "
        "signing key",
    )


def default_connector(seen: Seen) -> Finding:
    """The connector that every sign-in goes to exists."""
    check = "default connector"
    if isinstance(seen.variables, Unseen) or isinstance(seen.connectors, Unseen):
        return unknown(check, _why(seen.variables, seen.connectors))
    wanted = seen.variables.get("LOGTO_DEFAULT_CONNECTOR")
    if not wanted:
        return passed(check, "none is set: people choose")
    if wanted in [one["id"] for one in seen.connectors]:
        return passed(check, wanted)
    return failed(
        check,
        f"Logto has no connector {wanted}: people land on its ordinary page",
        "set LOGTO_DEFAULT_CONNECTOR to the id of a connector, or to nothing",
    )


def single_sign_on(seen: Seen) -> Finding:
    """Enterprise SSO is on."""
    check = "enterprise SSO"
    if isinstance(seen.single_sign_on, Unseen):
        return unknown(check, seen.single_sign_on.why)
    if not seen.single_sign_on:
        return failed(
            check,
            "it is off in the sign-in experience: Logto offers no connector, and ?connector= falls "
            "back to its ordinary page",
            "turn on Enterprise SSO in the sign-in experience: run setup again",
        )
    if not seen.connectors:
        return warned(check, "it is on, and there is no connector", "run setup connector add")
    return passed(check, "it is on")


def _why(*parts: object) -> str:
    for part in parts:
        if isinstance(part, Unseen):
            return part.why
    return "there is no application"


CHECKS = (
    management,
    application,
    backchannel,
    backchannel_answers,
    webhook,
    webhook_answers,
    single_sign_on,
    default_connector,
)
