"""Use AWS with the operator's credentials, and say in a sentence why that does not work.

An error's own text is not shown: it can hold secrets, such as the output of a credential process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import boto3
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from provision.errors import ProvisionFailed
from provision.machine import check_certificates, listed, named_in, proxy_for

_DEFAULT: Final = "default"
"""The profile that is used if none is named."""
_ERRORS: Final = (BotoCoreError, ClientError, OSError, ValueError, RuntimeError)
"""What boto3 raises: its own errors, and for a wrong setting any of the rest."""
_BUNDLES: Final = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_SSO: Final = (
    exceptions.SSOTokenLoadError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.TokenRetrievalError,
)
_PROFILE: Final = (
    exceptions.InvalidConfigError,
    exceptions.InfiniteLoopConfigError,
    exceptions.UnknownCredentialError,
    exceptions.CredentialRetrievalError,
    exceptions.MissingDependencyException,
)
_NO_ANSWER: Final = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.MetadataRetrievalError,
)
_VARIABLES: Final = "what the environment says of AWS"
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEYS: Final = (
    "AuthFailure",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_CLOCK: Final = ("RequestInTheFuture", "RequestTimeTooSkewed")


def aws_session(region: str | None, profile: str | None) -> boto3.Session:
    """Open a session with the operator's credentials. Raises ProvisionFailed."""
    with aws_errors_translated("signing in", profile=profile):
        session = boto3.Session(region_name=region, profile_name=profile)
        if not session.region_name:
            raise exceptions.NoRegionError
    return session


@contextmanager
def aws_errors_translated(what: str, *, profile: str | None = None) -> Iterator[None]:
    """Translate errors of AWS into ProvisionFailed. `profile` is the one in use, if it is named."""
    try:
        yield
    except ClientError as failure:
        raise _refusal(what, failure, profile) from None
    except _ERRORS as failure:
        raise _fault(what, failure, profile) from None


def _refusal(what: str, failure: ClientError, profile: str | None) -> ProvisionFailed:
    code = failure.response.get("Error", {}).get("Code", "an error")
    fix = "Check the name, the region and your permissions."
    if code in _EXPIRED:
        fix = f"Your AWS credentials have expired: {_sign_in(profile)}, or set new ones."
    elif code in _UNKNOWN_KEYS:
        fix = "AWS does not accept your credentials: check the profile, or the keys that are set."
    elif code in _CLOCK:
        fix = "Set the clock of this machine."
    return ProvisionFailed(f"AWS refuses {what} ({code}).", fix)


def _fault(what: str, failure: Exception, profile: str | None) -> ProvisionFailed:
    problem = f"AWS cannot be used for {what} ({type(failure).__name__})."
    return ProvisionFailed(problem, _fix(failure, profile))


def _fix(failure: Exception, profile: str | None) -> str:
    """Say what to do about an error that is not AWS's answer."""
    match failure:
        case exceptions.ProfileNotFound():
            return (
                f"There is no profile {failure.kwargs['profile']}: pass one that `aws configure "
                "list-profiles` shows in --profile, AWS_PROFILE or samconfig.toml."
            )
        case exceptions.ConfigParseError() | exceptions.ConfigNotFound():
            return f"Repair {failure.kwargs['path']}, which is not a valid configuration of AWS."
        case exceptions.NoRegionError():
            return "Pass --region, or set AWS_DEFAULT_REGION: no region is known."
        case exceptions.InvalidRegionError():
            return "Check --region, AWS_DEFAULT_REGION and the profile: that is not a region."
        case exceptions.NoCredentialsError():
            return f"Sign in first: {_sign_in(profile)}, or set AWS_PROFILE."
        case exceptions.PartialCredentialsError():
            return f"The credentials lack {failure.kwargs['cred_var']}: set it, or sign in again."
        case exceptions.LoginError():
            return f"The AWS sign-in has expired: run `aws login{_named(profile)}`."
    if isinstance(failure, _SSO):
        return f"The AWS sign-in has expired: {_sign_in(profile)}."
    if isinstance(failure, _PROFILE):
        return f"Check {_the_profile(profile)}: `aws sts get-caller-identity` says more."
    if str(failure).startswith("Invalid endpoint"):
        where = listed(named_in(failure) or ["endpoint_url of the AWS profile"])
        return f"Write {where} with http:// or https:// and a host."
    if isinstance(failure, _NO_ANSWER):
        return _network(failure)
    if isinstance(failure, OSError) and failure.filename:
        names = listed(named_in(failure) or [_the_profile(profile)])
        return f"Check {names}: {failure.filename} cannot be used ({failure.strerror})."
    return f"Check {listed(named_in(failure) or [_the_profile(profile), _VARIABLES])}."


def _network(failure: Exception) -> str:
    try:
        proxy = proxy_for("https://amazonaws.com")
        check_certificates(*_BUNDLES)
    except ProvisionFailed as fault:
        return str(fault)
    if isinstance(failure, exceptions.SSLError):
        return "If a proxy inspects TLS here, name its certificate authority in AWS_CA_BUNDLE."
    names = dict.fromkeys((*([proxy.variable] if proxy else []), *named_in(failure)))
    return f"Check {listed(['the network', 'the region', 'your credentials', *names])}."


def _sign_in(profile: str | None) -> str:
    return f"run `aws sso login{_named(profile)}`"


def _named(profile: str | None) -> str:
    return f" --profile {profile}" if profile not in (None, _DEFAULT) else ""


def _the_profile(profile: str | None) -> str:
    return f"the AWS profile {profile}" if profile else "the AWS profile"
