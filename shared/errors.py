"""Everything that can go wrong, named once.

    SignInError
    ├── MalformedRequest            a parameter, cookie or body that cannot be meant
    ├── CrossSiteRequest            a state change that another site asked for
    ├── SessionRequired             no live session where one is needed
    ├── SignInRefused               the attempt ended, the browser may start another
    │   ├── TransactionUnknown      `state` was never issued, was used already, or expired
    │   ├── OtherBrowser            `state` belongs to a browser that is not this one
    │   ├── IssuerMismatch          the callback names another issuer (RFC 9207 section 2.4)
    │   ├── ProviderDenied          Logto answered with an OAuth error
    │   ├── GrantRefused            the token endpoint answered `invalid_grant`
    │   └── IdTokenInvalid          an ID token that fails OIDC Core 3.1.3.7
    ├── Unavailable                 try again in a while; nothing was lost
    │   ├── ProviderUnavailable     Logto did not answer, or answered 429 or 5xx
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


class MalformedRequest(SignInError):
    error = "malformed_request"


class CrossSiteRequest(SignInError):
    error = "cross_site_request"


class SessionRequired(SignInError):
    error = "session_required"


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


class Unavailable(SignInError):
    error = "unavailable"


class ProviderUnavailable(Unavailable):
    error = "provider_unavailable"


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
