"""Check what ends sessions from outside: the application's back-channel logout, the webhook."""

from provision.desired import EVENTS
from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import NotObserved, Observed, is_draft


def management(observed: Observed) -> Finding:
    """Check that the Management API accepts the credentials that were given."""
    check, refusal = "Management API", observed.management.refusal
    if isinstance(refusal, NotObserved):
        return unknown(check, refusal.reason)
    if refusal is not None:
        problem, fix = refusal
        return failed(check, problem, fix or "Check the network, and run the command again.")
    return passed(check, "answers")


def application(observed: Observed) -> Finding:
    """Check that Logto has the application that the product is configured to be."""
    check, found = "application at Logto", observed.management.application
    if isinstance(found, NotObserved):
        return unknown(check, found.reason)
    if found is None:
        return failed(
            check,
            "Logto has no Traditional web application with the configured id.",
            "Run setup again, and deploy the id that it finds.",
        )
    return passed(check, str(found.get("name")))


def backchannel(observed: Observed) -> Finding:
    """Check that Logto notifies the product of sign-outs, with the session's id."""
    check, desired = "back-channel logout", observed.product.backchannel_uri
    application = observed.management.application
    if not isinstance(application, dict):
        return unknown(check, _reason(application))
    metadata = application.get("oidcClientMetadata") or {}
    registered = metadata.get("backchannelLogoutUri")
    if registered != desired:
        return failed(
            check,
            f"The registered back-channel logout URI is {registered or 'empty'}.",
            f"Register {desired} as the back-channel logout URI: run setup again.",
        )
    if metadata.get("backchannelLogoutSessionRequired") is not True:
        return failed(
            check,
            "Logout tokens come without the session's id (sid), so a sign-out anywhere ends every "
            "session of the user.",
            "Turn on `Is session required` for back-channel logout: run setup again.",
        )
    return passed(check, f"{desired}, with sid")


def backchannel_answers(observed: Observed) -> Finding:
    """Check that the product's endpoint for logout tokens is reachable and verifies them."""
    check, response = "back-channel logout answers", observed.site.backchannel
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    if response.status == 400:
        return passed(check, "an invalid logout token is refused")
    return failed(
        check,
        f"An invalid logout token is answered with {response.status}, not 400.",
        "See the log of the function: it cannot read Logto's keys, or does not start."
        if response.is_temporary
        else "Check that the route POST /backchannel-logout is deployed, and that nothing in front "
        "answers in its place.",
    )


def webhook(observed: Observed) -> Finding:
    """Check that Logto notifies the product of suspended and deleted users and of ended grants."""
    check, hook = "webhook", observed.management.hook
    desired = observed.product.webhook_url
    if isinstance(hook, NotObserved):
        return unknown(check, hook.reason)
    if hook is None:
        return failed(
            check,
            "No webhook leads to the product, so suspended users stay signed in.",
            f"Add a webhook to {desired} for {', '.join(EVENTS)}: run setup again.",
        )
    missing = [name for name in EVENTS if name not in (hook.get("events") or [])]
    if missing:
        return failed(
            check,
            f"The webhook lacks the events {', '.join(missing)}.",
            f"Add {', '.join(missing)} to the webhook: run setup again.",
        )
    if hook.get("enabled") is False:
        return failed(check, "The webhook is disabled.", "Enable the webhook: run setup again.")
    return passed(check, desired)


def webhook_answers(observed: Observed) -> Finding:
    """Check that the product accepts an event signed with the webhook's key."""
    check, response = "webhook answers", observed.site.webhook
    if isinstance(response, NotObserved):
        return unknown(check, response.reason)
    if response.status == 200:
        return passed(check, "an event signed with the webhook's key is accepted")
    if response.status == 400:
        return failed(
            check,
            "The product refuses an event signed with the webhook's key.",
            "Store the webhook's signing key (LOGTO_WEBHOOK_SIGNING_KEY): run setup again.",
        )
    return failed(
        check,
        f"A signed event is answered with {response.status}.",
        "See the log of the function: it cannot read the signing key, or does not start."
        if response.is_temporary
        else "Check that the route POST /webhooks/logto is deployed, and that nothing in front "
        "answers in its place.",
    )


def single_sign_on(observed: Observed) -> Finding:
    """Check that enterprise SSO is on."""
    check, on = "enterprise SSO", observed.management.single_sign_on
    if isinstance(on, NotObserved):
        return unknown(check, on.reason)
    if not on:
        return failed(
            check,
            "It is off in the sign-in experience, so Logto offers no connector, and ?connector= "
            "leads to its ordinary page.",
            "Turn on Enterprise SSO in the sign-in experience: run setup again.",
        )
    if observed.management.connectors == []:
        return warned(check, "It is on, but there is no connector.", "Run setup connector add.")
    return passed(check, "on")


def default_connector(observed: Observed) -> Finding:
    """Check that the connector which every sign-in goes to exists."""
    check = "default connector"
    variables, connectors = observed.variables, observed.management.connectors
    if isinstance(variables, NotObserved) or isinstance(connectors, NotObserved):
        return unknown(check, _reason(variables, connectors))
    identifier = variables.get("LOGTO_DEFAULT_CONNECTOR")
    if not identifier:
        return passed(check, "not set: users choose")
    found = next((one for one in connectors if one["id"] == identifier), None)
    if found is not None and is_draft(found):
        return failed(
            check,
            f"The connector {identifier} is a draft, so users land on Logto's ordinary page.",
            "Complete the connector, or leave LOGTO_DEFAULT_CONNECTOR empty.",
        )
    if found is not None:
        return passed(check, identifier)
    return failed(
        check,
        f"Logto has no connector {identifier}, so users land on its ordinary page.",
        "Set LOGTO_DEFAULT_CONNECTOR to the id of a connector, or leave it empty.",
    )


def organizations(observed: Observed) -> Finding:
    """Check that Logto has the organizations that the settings name."""
    check, found = "organizations", observed.management.organizations
    if isinstance(observed.variables, NotObserved):
        return unknown(check, observed.variables.reason)
    if observed.settings_fault is not None:
        return unknown(check, "The settings are not valid.")
    if isinstance(found, NotObserved):
        return unknown(check, found.reason)
    missing = [identifier for identifier, exists in found.items() if not exists]
    if missing:
        return failed(
            check,
            f"Logto has no organization {', '.join(missing)}, so nobody is a member of it.",
            "Correct the ids in LOGTO_ORGANIZATIONS and ALLOWED_ORGANIZATIONS. The Logto Console "
            "shows them under Organizations.",
        )
    return passed(check, ", ".join(found) or "none are named")


def _reason(*parts: object) -> str:
    for part in parts:
        if isinstance(part, NotObserved):
            return part.reason
    return "There is no application."


CHECKS = (
    management,
    application,
    backchannel,
    backchannel_answers,
    webhook,
    webhook_answers,
    single_sign_on,
    default_connector,
    organizations,
)
