"""Everything that can go wrong, named once.

    SignInError
    ├── MalformedRequest            a parameter, cookie or body that cannot be meant
    ├── CrossSiteRequest            a state change that another site asked for
    ├── MessageRefused              a message of Logto's that fails a check
    ├── NotAllowed                  a user whom the rules of this deployment keep out
    ├── TokenRefused                Logto gives this user no such access token
    ├── BearerRefused               a bearer token that fails a check
    ├── SessionRequired             no live session where one is needed
    │   └── RevalidationRequired    there is one, and it has to be proven anew at Entra
    ├── SignInRefused               the attempt ended, the browser may start another
    │   ├── TransactionUnknown      `state` was never issued, was used already, or expired
    │   ├── OtherBrowser            `state` belongs to a browser that is not this one
    │   ├── IssuerMismatch          the callback names another issuer (RFC 9207 section 2.4)
    │   ├── ProviderDenied          Logto answered with an OAuth error
    │   ├── GrantRefused            the token endpoint answered `invalid_grant`
    │   ├── IdTokenInvalid          an ID token that fails OIDC Core 3.1.3.7
    │   ├── IdentityChanged         an answer about another user than the one signed in
    │   └── EndedMeanwhile          the user was logged out before the sign-in was finished
    ├── Unavailable                 try again in a while; nothing was lost
    │   ├── ProviderUnavailable     Logto did not answer, or answered 429 or 5xx
    │   │   └── ProviderSilent      the request was sent, and what became of it is unknown
    │   ├── TableUnavailable        DynamoDB did not answer, throttled or failed
    │   └── SecretUnavailable       the application's secret cannot be read
    ├── ProviderMisbehaved          Logto answered with something that OIDC does not allow
    ├── RecordTooLarge              a session that does not fit into a DynamoDB item
    └── Misconfigured               the deployment cannot work as it is set up
        ├── SettingsInvalid         environment variables, each with its fix
        └── ClientRefused           Logto does not accept the application's credentials

`error` is the slug that answers, logs and metrics share. The text of an exception names what was
expected and never holds a value that came from outside: a token in a message ends up in a log.
"""

from typing import ClassVar


class SignInError(Exception):
    """Base of every error that this product raises on purpose."""

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
    """`connector` is the one to go through, where it is known."""

    error = "revalidation_required"

    def __init__(self, connector: str | None) -> None:
        super().__init__("the session has to be proven anew")
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
    """`code` is one of `PROVIDER_ERRORS`, never the provider's own text."""

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
"""The `error` codes of an authorization response that are told apart."""
