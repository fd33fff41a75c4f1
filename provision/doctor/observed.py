"""What there is to judge. A part that could not be seen is an `Unseen` that says why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.desired import Product

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a part was not seen."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    set_cookies: tuple[str, ...] = ()
    body: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """A connector's issuer: what its discovery document names, or why there is none. `silent`
    where nobody answered: Logto may well reach it."""

    published: str | None
    failure: str = ""
    silent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A DynamoDB table as AWS describes it."""

    name: str
    key: tuple[str, ...]
    ttl_attribute: str | None
    point_in_time_recovery: bool
    deletion_protection: bool
    status: str = "ACTIVE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A stack. `alarms` are states by name, `aliases` the functions that have one."""

    name: str
    outputs: Mapping[str, str]
    aliases: tuple[str, ...]
    alarms: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Everything. Times are seconds since 1970."""

    now: float
    product: Product
    endpoint: str
    variables: Mapping[str, str] | Unseen
    """The product's settings, without secrets."""
    settings_fault: str | None = None
    discovery: Page | Unseen
    ahead_seconds: float | Unseen
    """By how much this machine's clock is ahead of Logto's."""
    keys: Page | Unseen
    token_error: str | Unseen
    """What the token endpoint says of a code that nobody has."""
    redirect: Page | Unseen
    """The answer to an authorization request without a session."""
    sign_out: Page | Unseen
    """The answer of the end-session endpoint."""
    management: str | Unseen
    """What the Management API refuses with; empty where it answers."""
    application: Json | Unseen | None
    hook: Json | Unseen | None
    connectors: list[Json] | Unseen
    single_sign_on: bool | Unseen
    issuers: Mapping[str, Issuer] = field(default_factory=dict)
    """By connector id."""
    registrations: Mapping[str, Json | Unseen | None] = field(default_factory=dict)
    """Applications at Entra, by connector id."""
    recorded_ends: Mapping[str, str] = field(default_factory=dict)
    """Ends of client secrets as `setup` noted them, by connector id."""
    home: Page | Unseen
    sign_in: Page | Unseen
    me: Page | Unseen
    backchannel: Page | Unseen
    """The answer to a logout token that is none."""
    webhook: Page | Unseen
    """The answer to an event that concerns nobody, signed by the webhook's own key."""
    table: Table | Unseen | None
    deployed: Deployed | Unseen
