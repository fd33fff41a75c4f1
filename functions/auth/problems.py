"""Map errors to responses: status, text for the user, and next action. The only such table."""

from dataclasses import dataclass

from shared import errors


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """An error response. `retry` is the number of seconds after which a retry makes sense."""

    status: int
    title: str
    message: str
    offer_sign_in: bool = False
    other_account: bool = False
    """Whether to offer a sign-in with another account."""
    retry: int | None = None


_AGAIN = "Nothing was changed. You can try again."
_LATER = "Please try again in a moment. You have not been signed out."
_ADMINISTRATOR = "Tell this site's administrator, and pass on the reference below."

_TABLE: dict[type[errors.SignInError], Problem] = {
    errors.MalformedRequest: Problem(
        status=400,
        title="This request is not valid",
        message="The link or form seems to be incomplete or damaged. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.CrossSiteRequest: Problem(
        status=403,
        title="This request came from another site",
        message="Another site sent this request in your name, so it was refused.",
    ),
    errors.SessionRequired: Problem(
        status=401,
        title="You are not signed in",
        message="Sign in to continue.",
        offer_sign_in=True,
    ),
    errors.RevalidationRequired: Problem(
        status=401,
        title="Please confirm your sign-in",
        message="Sign in again to continue where you were.",
        offer_sign_in=True,
    ),
    errors.NotAllowed: Problem(
        status=403,
        title="You do not have access",
        message=(
            "You signed in, but your account is not allowed to use this site. Ask its "
            "administrator for access, or sign in with another account."
        ),
        other_account=True,
    ),
    errors.ReauthenticationRequired: Problem(
        status=403,
        title="Your organization must confirm that it is you",
        message=(
            "You signed in, but without your organization's own sign-in page, or it did not ask "
            "you again. Sign in there to go on."
        ),
        offer_sign_in=True,
    ),
    errors.EndedMeanwhile: Problem(
        status=401,
        title="You were signed out",
        message="Your sessions were ended while you were signing in. You can sign in again.",
        offer_sign_in=True,
    ),
    errors.TransactionUnknown: Problem(
        status=400,
        title="This sign-in is no longer valid",
        message="It was already completed, or it took longer than an hour. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.OtherBrowser: Problem(
        status=400,
        title="This sign-in was started in another browser",
        message="Complete it in the browser where you started it, or start again here.",
        offer_sign_in=True,
    ),
    errors.ProviderDenied: Problem(
        status=400,
        title="The sign-in was not completed",
        message="The sign-in service ended this attempt. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.SignInRefused: Problem(
        status=400,
        title="The sign-in could not be verified",
        message="The response of the sign-in service did not pass our checks. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.Unavailable: Problem(
        status=503, title="Sign-in is not available right now", message=_LATER, retry=5
    ),
    errors.ProviderMisbehaved: Problem(
        status=502, title="The sign-in service sent an invalid response", message=_LATER
    ),
    errors.ClientRefused: Problem(
        status=502, title="This sign-in is not set up correctly", message=_ADMINISTRATOR
    ),
    errors.ConfigurationRefused: Problem(
        status=502, title="This sign-in is not set up correctly", message=_ADMINISTRATOR
    ),
    errors.RecordTooLarge: Problem(
        status=502,
        title="Your profile is too large to sign in with",
        message="Ask your administrator to give your account fewer roles or organizations.",
    ),
    errors.Misconfigured: Problem(
        status=500, title="This sign-in is not set up correctly", message=_ADMINISTRATOR
    ),
    errors.SignInError: Problem(status=500, title="Something went wrong", message=_ADMINISTRATOR),
}

NOT_A_NAVIGATION = Problem(
    status=400,
    title="This page must be opened in a tab",
    message="A sign-in starts only when a person opens its page. " + _AGAIN,
    offer_sign_in=True,
)
"""For a prefetch or a subresource; no error, since browsers and frameworks prefetch any link."""

_DENIALS = {
    "access_denied": Problem(
        status=403,
        title="Access was denied",
        message="The sign-in was declined, by you or by your organization.",
        offer_sign_in=True,
    ),
    "login_required": Problem(
        status=401,
        title="You are not signed in",
        message="You have no session at the sign-in service.",
        offer_sign_in=True,
    ),
}


def problem_of(failure: errors.SignInError) -> Problem:
    """Return the most specific entry for an error."""
    if isinstance(failure, errors.ProviderDenied) and failure.code in _DENIALS:
        return _DENIALS[failure.code]
    return next(_TABLE[kind] for kind in type(failure).__mro__ if kind in _TABLE)


def problem_of_status(status: int) -> Problem:
    """Return the problem for a status with which the router refuses a request."""
    if status == 404:
        return Problem(
            status=404, title="This page does not exist", message="The address may be mistyped."
        )
    if status == 405:
        return Problem(
            status=405,
            title="Method not allowed",
            message="This page does not support that method.",
        )
    return Problem(status=status, title="This request is not valid", message=_AGAIN)
