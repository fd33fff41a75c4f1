"""Every error that the product raises on purpose.

    SignInError
    ├── MalformedRequest            a malformed parameter, cookie or body
    ├── CrossSiteRequest            a state change requested by another site
    ├── MessageRefused              a message from Logto that fails a check
    ├── NotAllowed                  a user whom the access rules exclude
    ├── ReauthenticationRequired    a sign-in that brought no newer proof from Entra
    ├── TokenRefused                Logto does not issue this access token to the user
    ├── BearerRefused               a bearer token that fails a check
    ├── SessionRequired             no live session
    │   └── RevalidationRequired    a live session whose user must re-authenticate at Entra
    ├── SignInRefused               the attempt failed; the browser may start another
    │   ├── TransactionUnknown      `state` was never issued, was used already, or expired
    │   ├── OtherBrowser            `state` was issued to another browser
    │   ├── IssuerMismatch          the callback names another issuer (RFC 9207 section 2.4)
    │   ├── ProviderDenied          Logto answered with an OAuth error
    │   ├── GrantRefused            the token endpoint answered `invalid_grant`
    │   ├── IdTokenInvalid          an ID token that fails OIDC Core 3.1.3.7
    │   ├── IdentityChanged         a response about another user than the one signed in
    │   └── EndedMeanwhile          the user was logged out during the sign-in
    ├── Unavailable                 a temporary failure; nothing was lost
    │   ├── ProviderUnavailable     Logto is unreachable, or answered 429 or 5xx
    │   │   └── ProviderSilent      the request was sent, and its outcome is unknown
    │   ├── TableUnavailable        DynamoDB is unreachable, throttles or fails
    │   ├── QueueUnavailable        SQS is unreachable, throttles or fails
    │   └── SecretUnavailable       the application's secret cannot be read
    ├── ProviderMisbehaved          a response from Logto that OIDC does not allow
    ├── RecordTooLarge              a session that exceeds the size of a DynamoDB item
    └── Misconfigured               the deployment cannot work with its configuration
        ├── SettingsInvalid         missing or invalid environment variables
        ├── ClientRefused           Logto refuses the application's credentials
        └── ConfigurationRefused    Logto refuses the application itself, or what sign-ins ask for

`error` is the slug that responses, logs and metrics share: the class's name in snake case, so a
class is renamed only together with what operators search for. The text of an exception names what
was expected and never contains received values: a token in a message would end up in a log.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final


class SignInError(Exception):
    """Base class of the product's errors."""

    error: ClassVar[str] = "error"
    expected: ClassVar[bool] = False
    """A routine denial, logged at INFO: nothing for an operator to look at."""

    def __init_subclass__(cls, *, expected: bool | None = None) -> None:
        if "error" not in cls.__dict__:
            snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__)
            cls.error = snake.removeprefix("_")
        if expected is not None:
            cls.expected = expected


class MalformedRequest(SignInError, expected=True): ...


class CrossSiteRequest(SignInError, expected=True): ...


class SessionRequired(SignInError, expected=True): ...


class RevalidationRequired(SessionRequired):
    """`connector` is the one to authenticate through, if it is known; `return_to` a local path."""

    def __init__(self, connector: str | None, *, return_to: str = "") -> None:
        super().__init__("the user must re-authenticate")
        self.connector = connector
        self.return_to = return_to


class ReauthenticationRequired(SignInError, expected=True):
    """`connector` is the one to authenticate through, if it is known."""

    def __init__(self, connector: str | None) -> None:
        super().__init__("re-authentication brought no newer proof")
        self.connector = connector


class MessageRefused(SignInError): ...


class NotAllowed(SignInError):
    """`login_url` is where the user's tenant signs them out, if it is known; `return_to` a path."""

    def __init__(
        self, detail: str = "", *, login_url: str | None = None, return_to: str = ""
    ) -> None:
        super().__init__(detail)
        self.login_url = login_url
        self.return_to = return_to


class TokenRefused(SignInError, expected=True): ...


class BearerRefused(SignInError, expected=True): ...


class SignInRefused(SignInError): ...


class TransactionUnknown(SignInRefused): ...


class OtherBrowser(SignInRefused): ...


class IssuerMismatch(SignInRefused): ...


class ProviderDenied(SignInRefused):
    """`code` is one of `PROVIDER_ERRORS`, never text from the provider."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the provider answered with the OAuth error {code}")
        self.code = code


class GrantRefused(SignInRefused): ...


class IdTokenInvalid(SignInRefused): ...


class IdentityChanged(SignInRefused): ...


class EndedMeanwhile(SignInRefused): ...


class Unavailable(SignInError): ...


class ProviderUnavailable(Unavailable): ...


class ProviderSilent(ProviderUnavailable): ...


class TableUnavailable(Unavailable): ...


class QueueUnavailable(Unavailable): ...


class SecretUnavailable(Unavailable): ...


class ProviderMisbehaved(SignInError): ...


class RecordTooLarge(SignInError): ...


class Misconfigured(SignInError): ...


class SettingsInvalid(Misconfigured): ...


class ClientRefused(Misconfigured): ...


class ConfigurationRefused(Misconfigured):
    """`code` is a key of `CONFIGURATION_ERRORS`, never text from the provider."""

    def __init__(self, code: str) -> None:
        named = CONFIGURATION_ERRORS[code]
        super().__init__(f"{named}: the provider answered with the OAuth error {code}")
        self.code = code


_APPLICATION = "check LOGTO_APP_ID, and that it is a Traditional web application"
CONFIGURATION_ERRORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # RFC 6749 sections 4.1.2.1 and 5.2
        "invalid_client": _APPLICATION,
        "unauthorized_client": _APPLICATION,
        "unsupported_response_type": _APPLICATION,
        "unsupported_grant_type": _APPLICATION,
        "invalid_scope": "check LOGTO_SCOPES",
        # RFC 8707 section 2
        "invalid_target": "check that Logto has every API resource of LOGTO_RESOURCES",
    }
)
"""The OAuth errors of a wrong set-up, and what an operator has to check."""

PROVIDER_ERRORS = frozenset(
    {
        # RFC 6749 section 4.1.2.1
        "invalid_request",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
        # OIDC Core section 3.1.2.6
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
    }
)
"""The other `error` codes of an authorization response that are reported as they are."""
