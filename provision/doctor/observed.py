"""What the checks judge. A part that could not be observed is a NotObserved with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from provision.desired import Product

Json = dict[str, Any]
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class NotObserved:
    """The reason why a part was not observed, as a sentence."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedResponse:
    """An HTTP response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    set_cookies: tuple[str, ...] = ()
    body: Any = None

    @property
    def location(self) -> str:
        """Where it redirects to; empty if it does not redirect."""
        return self.headers.get("location", "") if self.status in REDIRECTS else ""

    @property
    def error(self) -> str:
        """The OAuth error in its body; empty if it has none."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, str) else ""

    @property
    def is_temporary(self) -> bool:
        """Whether it says nothing about the set-up: an overload, an outage, a proxy's answer."""
        return self.status == 429 or self.status >= 500


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedSignIn:
    """The authorization request of a sign-in, and Logto's response to it."""

    source: str
    """Who would send it: the product as it runs, or one that starts with the stored settings."""
    url: str
    response: ObservedResponse | NotObserved
    refused_resources: tuple[str, ...] = ()
    """The resources that Logto refuses by themselves."""

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedLogto:
    """What Logto's public endpoints answered."""

    discovery: ObservedResponse | NotObserved
    ahead_seconds: float | NotObserved
    """By how much this machine's clock is ahead of Logto's."""
    keys: ObservedResponse | NotObserved
    token: ObservedResponse | NotObserved
    """The response of the token endpoint to a code that was never issued."""
    redirect: ObservedResponse | NotObserved
    """The response to an authorization request without a session."""
    sign_out: ObservedResponse | NotObserved
    """The response of the end-session endpoint."""


def is_draft(connector: Json) -> bool:
    """Tell whether a connector is unfinished: the Logto Console creates it empty at first."""
    config = connector["config"]
    return not config.get("issuer") or not config.get("clientId")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedIssuer:
    """The issuer in a connector's discovery document, or why there is none.

    `unreachable`: this machine got no answer. Logto may get one all the same.
    """

    published: str | None
    failure: str = ""
    unreachable: bool = False


_NO_CREDENTIALS = NotObserved(
    "There are no credentials for the Management API: set MANAGEMENT_APP_ID and "
    "MANAGEMENT_APP_SECRET."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedManagement:
    """What the Management API shows, and Microsoft Graph."""

    refusal: tuple[str, str] | NotObserved | None = _NO_CREDENTIALS
    """What the Management API refuses with, and the fix; None if it answers."""
    application: Json | NotObserved | None = _NO_CREDENTIALS
    hook: Json | NotObserved | None = _NO_CREDENTIALS
    connectors: list[Json] | NotObserved = _NO_CREDENTIALS
    single_sign_on: bool | NotObserved = _NO_CREDENTIALS
    organizations: Mapping[str, bool] | NotObserved = _NO_CREDENTIALS
    """Whether Logto has each organization that the settings name, by id."""
    issuers: Mapping[str, ObservedIssuer] = field(default_factory=dict)
    """By connector id."""
    registrations: Mapping[str, Json | NotObserved | None] = field(default_factory=dict)
    """Applications at Entra, by connector id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedSite:
    """What the product answered."""

    home: ObservedResponse | NotObserved
    sign_in: ObservedResponse | NotObserved
    me: ObservedResponse | NotObserved
    backchannel: ObservedResponse | NotObserved
    """The response to a logout token that is not valid."""
    webhook: ObservedResponse | NotObserved
    """The response to an event about nobody, signed with the webhook's own key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedTable:
    """A DynamoDB table as AWS describes it."""

    name: str
    key: tuple[str, ...]
    ttl_attribute: str | None
    point_in_time_recovery: bool
    deletion_protection: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedStack:
    """A stack. `alarms` are states by name; `aliases` are the functions that have an alias."""

    name: str
    outputs: Mapping[str, str]
    aliases: tuple[str, ...]
    alarms: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """Everything that the checks judge. Times are seconds since 1970."""

    now: float
    product: Product
    endpoint: str
    """The Logto endpoint."""
    variables: Mapping[str, str] | NotObserved
    """The product's settings, without secrets."""
    settings_fault: str | None
    """Why a function would not start with them."""
    logto: ObservedLogto
    management: ObservedManagement
    recorded_ends: Mapping[str, str]
    """Ends of client secrets as `setup` recorded them, by connector id."""
    record_fault: tuple[str, str] | None
    """The fault of that record, and its fix; None if it can be read, or if there is no record."""
    site: ObservedSite
    sign_ins: tuple[ObservedSignIn, ...] | NotObserved
    """The sign-ins that the product starts."""
    table: ObservedTable | NotObserved | None
    stack: ObservedStack | NotObserved

    def sign_in_query(self) -> dict[str, list[str]] | NotObserved:
        """Return the query of the authorization request that /sign-in redirects to."""
        response = self.site.sign_in
        if isinstance(response, NotObserved):
            return response
        if not response.location.startswith(f"{self.endpoint}/oidc/auth?"):
            return NotObserved("/sign-in does not lead to a sign-in at this Logto.")
        return parse_qs(urlsplit(response.location).query)
