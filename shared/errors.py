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
    │   └── SecretUnavailable       the application's secret cannot be read
    ├── ProviderMisbehaved          a response from Logto that OIDC does not allow
    ├── RecordTooLarge              a session that exceeds the size of a DynamoDB item
    └── Misconfigured               the deployment cannot work with its configuration
        ├── SettingsInvalid         missing or invalid environment variables
        └── ClientRefused           Logto refuses the application's credentials

`error` is the slug that responses, logs and metrics share. The text of an exception names what was
expected and never contains received values: a token in a message would end up in a log.
"""

from typing import ClassVar


class SignInError(Exception):
    """Base class of the product's errors."""

    error: ClassVar[str] = "error"
    expected: ClassVar[bool] = False
    """A routine denial, logged at INFO: nothing for an operator to look at."""


class MalformedRequest(SignInError):
    error = "malformed_request"
    expected = True


class CrossSiteRequest(SignInError):
    error = "cross_site_request"
    expected = True


class SessionRequired(SignInError):
    error = "session_required"
    expected = True


class RevalidationRequired(SessionRequired):
    """`connector` is the one to authenticate through, if it is known; `return_to` a local path."""

    error = "revalidation_required"

    def __init__(self, connector: str | None, *, return_to: str = "") -> None:
        super().__init__("the user must re-authenticate")
        self.connector = connector
        self.return_to = return_to


class ReauthenticationRequired(SignInError):
    """`connector` is the one to authenticate through, if it is known."""

    error = "reauthentication_required"
    expected = True

    def __init__(self, connector: str | None) -> None:
        super().__init__("re-authentication brought no newer proof")
        self.connector = connector


class MessageRefused(SignInError):
    error = "message_refused"


class NotAllowed(SignInError):
    error = "not_allowed"


class TokenRefused(SignInError):
    error = "token_refused"
    expected = True


class BearerRefused(SignInError):
    error = "bearer_refused"
    expected = True


class SignInRefused(SignInError):
    error = "sign_in_refused"


class TransactionUnknown(SignInRefused):
    error = "transaction_unknown"


class OtherBrowser(SignInRefused):
    error = "other_browser"


class IssuerMismatch(SignInRefused):
    error = "issuer_mismatch"


class ProviderDenied(SignInRefused):
    """`code` is one of `PROVIDER_ERRORS`, never text from the provider."""

    error = "provider_denied"

    def __init__(self, code: str) -> None:
        super().__init__(f"the provider answered with the OAuth error {code}")
        self.code = code


class GrantRefused(SignInRefused):
    error = "grant_refused"


class IdTokenInvalid(SignInRefused):
    error = "id_token_invalid"


class IdentityChanged(SignInRefused):
    error = "identity_changed"


class EndedMeanwhile(SignInRefused):
    error = "ended_meanwhile"


class Unavailable(SignInError):
    error = "unavailable"


class ProviderUnavailable(Unavailable):
    error = "provider_unavailable"


class ProviderSilent(ProviderUnavailable):
    error = "provider_silent"


class TableUnavailable(Unavailable):
    error = "table_unavailable"


class SecretUnavailable(Unavailable):
    error = "secret_unavailable"


class ProviderMisbehaved(SignInError):
    error = "provider_misbehaved"


class RecordTooLarge(SignInError):
    error = "record_too_large"


class Misconfigured(SignInError):
    error = "misconfigured"


class SettingsInvalid(Misconfigured):
    error = "settings_invalid"


class ClientRefused(Misconfigured):
    error = "client_refused"


PROVIDER_ERRORS = frozenset(
    {
        # RFC 6749 section 4.1.2.1
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        # OIDC Core section 3.1.2.6
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        # RFC 8707 section 2
        "invalid_target",
    }
)
"""The `error` codes of an authorization response that are reported as they are."""
