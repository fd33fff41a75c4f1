"""What an operator asks for, checked before anything is touched."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from provision.errors import ProvisionFailed
from shared.parsing.urls import check_base

DEFAULT_NAME: Final = "Sign-in"
"""The name that a product has until somebody gives it one, as in `template.yaml`."""
EVENTS: Final = ("User.SuspensionStatus.Updated", "User.Deleted")
"""The webhook events that end sessions."""
AUDIENCE: Final = "AzureADMyOrg"
"""The `signInAudience` of a new application at Entra: this directory alone."""
CONNECTOR_SCOPE: Final = ("openid", "profile", "email")
"""What Logto has to ask Entra for."""
PUBLIC_MAIL: Final = frozenset(
    {
        "aol.com",
        "gmail.com",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "web.de",
        "yahoo.com",
        "yandex.ru",
        "zoho.com",
    }
)
"""Domains where anybody can have an address."""
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z]{2,63}")
_HOST: Final = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_CONNECTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One deployment: its name, and the URL that browsers reach it under."""

    name: str
    base_url: str

    @property
    def redirect_uri(self) -> str:
        return f"{self.base_url}/callback"

    @property
    def post_sign_out_uri(self) -> str:
        return f"{self.base_url}/"

    @property
    def backchannel_uri(self) -> str:
        return f"{self.base_url}/backchannel-logout"

    @property
    def webhook_url(self) -> str:
        return f"{self.base_url}/webhooks/logto"

    @property
    def marker(self) -> str:
        """What the names of what `setup` makes end with: by it and for whom."""
        return f"(made by setup for {self.base_url})"

    def sign_in_url(self, connector: str) -> str:
        """The link that leads straight to a connector's directory."""
        return f"{self.base_url}/sign-in?connector={connector}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualEntra:
    """An application that somebody registered by hand in the Microsoft Entra admin center."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenEntra:
    """What is given of it with the command: the rest is known or asked for."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A company whose people come through a connector to its Entra tenant.

    None leaves a connector that is there as it is; a new one gets the default.
    """

    connector_name: str
    issuer: str
    domains: tuple[str, ...]
    display_name: str | None = None
    trust_unverified_email: bool | None = None
    logo_url: str | None = None
    sync_profile: bool | None = None
    manual: GivenEntra = GivenEntra()
    """Of an application that is made by hand."""
    audience: str | None = None
    group_claims: bool = False
    secret_days: int = 180

    @property
    def name(self) -> str:
        """What the customer is called; without a name, by the first domain."""
        return self.display_name or self.domains[0].split(".")[0].capitalize()


def base_url(text: str, *, what: str) -> str:
    """A base URL without trailing slash. Raises ProvisionFailed; `what` names it."""
    try:
        checked = check_base(text)
    except ValueError as fault:
        raise ProvisionFailed(f"{what} {fault}") from None
    host = urlsplit(checked).hostname or ""
    if ":" not in host and not _HOST.fullmatch(host):
        raise ProvisionFailed(f"{what} has a host name that is none: {host[:80]}")
    return checked


def logto_endpoint(text: str) -> str:
    """A Logto endpoint: no path. Raises ProvisionFailed."""
    endpoint = base_url(text, what="the Logto endpoint")
    if urlsplit(endpoint).path:
        raise ProvisionFailed(
            "the Logto endpoint must be without a path, such as https://tenant.logto.app"
        )
    return endpoint


def mail_domains(names: list[str]) -> tuple[str, ...]:
    """E-mail domains in lower case, each once. Raises ProvisionFailed."""
    domains = tuple(dict.fromkeys(name.strip().lower().removeprefix("@") for name in names))
    for name in domains:
        if not _DOMAIN.fullmatch(name):
            raise ProvisionFailed(f"{name[:80]} is not a domain such as contoso.com")
        if name in PUBLIC_MAIL:
            raise ProvisionFailed(
                f"{name} is a public mail domain, where anybody can have an address: leave it out "
                "of --domain"
            )
    return domains


def connector_name(name: str) -> str:
    """The name of a connector. Raises ProvisionFailed."""
    if not _CONNECTOR.fullmatch(name):
        raise ProvisionFailed(
            "a connector's name is up to 64 letters, digits, spaces, dots, dashes and underscores"
        )
    return name
