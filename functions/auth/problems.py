"""The one table that turns errors into answers: status, words for a person, and what next."""

from dataclasses import dataclass

from shared import errors


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What a person is told. `retry` is the number of seconds after which trying again helps."""

    status: int
    title: str
    message: str
    offer_sign_in: bool = False
    other_account: bool = False
    """Whether the way on is to sign in as somebody else."""
    retry: int | None = None


_AGAIN = "Nothing was changed. You can start again."
_LATER = "Please try again in a moment. You have not been signed out."

_TABLE: dict[type[errors.SignInError], Problem] = {
    errors.MalformedRequest: Problem(
        status=400,
        title="That request could not be read",
        message="The link or form seems to be damaged. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.CrossSiteRequest: Problem(
        status=403,
        title="That came from another site",
        message="Another site asked for this on your behalf, so it was not done.",
    ),
    errors.SessionRequired: Problem(
        status=401,
        title="You are not signed in",
        message="Sign in to go on.",
        offer_sign_in=True,
    ),
    errors.RevalidationRequired: Problem(
        status=401,
        title="Your sign-in has to be confirmed",
        message="Sign in again to go on where you were.",
        offer_sign_in=True,
    ),
    errors.NotAllowed: Problem(
        status=403,
        title="You may not use this",
        message=(
            "You signed in, but your account is not one of those that may use this site. Ask "
            "whoever looks after it, or sign in with another account."
        ),
        other_account=True,
    ),
    errors.EndedMeanwhile: Problem(
        status=401,
        title="You were signed out",
        message="Your sessions were ended while you were signing in. You can sign in again.",
        offer_sign_in=True,
    ),
    errors.TransactionUnknown: Problem(
        status=400,
        title="This sign-in is no longer open",
        message="It was finished already, or it took longer than an hour. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.OtherBrowser: Problem(
        status=400,
        title="This sign-in began in another browser",
        message="Finish it in the browser that you began it in, or start again here.",
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
        message="What came back from the sign-in service did not pass our checks. " + _AGAIN,
        offer_sign_in=True,
    ),
    errors.Unavailable: Problem(
        status=503,
        title="Sign-in is not available right now",
        message=_LATER,
        retry=5,
    ),
    errors.ProviderMisbehaved: Problem(
        status=502,
        title="The sign-in service gave no usable answer",
        message=_LATER,
    ),
    errors.ClientRefused: Problem(
        status=502,
        title="This sign-in is not set up correctly",
        message="Tell the people who run this site; the reference below helps them.",
    ),
    errors.RecordTooLarge: Problem(
        status=502,
        title="Your profile is too large to sign in with",
        message="Ask your administrator to give your account fewer roles or organizations.",
    ),
    errors.Misconfigured: Problem(
        status=500,
        title="This sign-in is not set up correctly",
        message="Tell the people who run this site; the reference below helps them.",
    ),
    errors.SignInError: Problem(
        status=500,
        title="Something went wrong",
        message="Tell the people who run this site; the reference below helps them.",
    ),
}

_DENIALS = {
    "access_denied": Problem(
        status=403,
        title="You were not let in",
        message="The sign-in was declined, by you or by your organization.",
        offer_sign_in=True,
    ),
    "login_required": Problem(
        status=401,
        title="You are not signed in",
        message="There is no session at the sign-in service to go on with.",
        offer_sign_in=True,
    ),
}


def problem_of(failure: errors.SignInError) -> Problem:
    """The most specific entry for an error."""
    if isinstance(failure, errors.ProviderDenied) and failure.code in _DENIALS:
        return _DENIALS[failure.code]
    return next(_TABLE[kind] for kind in type(failure).__mro__ if kind in _TABLE)


def problem_of_status(status: int) -> Problem:
    """For what the router refuses before any route runs."""
    if status == 404:
        return Problem(
            status=404, title="There is no such page", message="The address may be mistyped."
        )
    if status == 405:
        return Problem(
            status=405, title="That is not possible here", message="This page does not take that."
        )
    return Problem(status=status, title="That request could not be read", message=_AGAIN)
