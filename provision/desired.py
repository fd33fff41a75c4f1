"""What an operator asks for, checked before anything changes."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import idna

from provision.errors import ProvisionFailed
from provision.product_settings import check_text
from shared.parsing.urls import check_base, check_origin, origin_of

DEFAULT_NAME: Final = "Sign-in"
"""The name of a product until somebody gives it another, as in `template.yaml`."""
EVENTS: Final = ("User.SuspensionStatus.Updated", "User.Deleted", "Grant.LimitExceeded")
"""The webhook events that end sessions."""
AUDIENCE: Final = "AzureADMyOrg"
"""The `signInAudience` of a new application at Entra: users of this directory only."""
CONNECTOR_SCOPE: Final = ("openid", "profile", "email")
"""The scopes that Logto has to request from Entra."""
FORBIDDEN_DOMAINS: Final = frozenset(
    {
        "126.com",
        "163.com",
        "aol.com",
        "gmail.com",
        "gmx.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.com",
        "mail.ru",
        "outlook.com",
        "protonmail.com",
        "qq.com",
        "sina.com",
        "sohu.com",
        "yahoo.com",
        "yandex.com",
        "yanex.com",
        "zoho.com",
    }
)
"""Mail domains that Logto refuses for a connector, spelled as Logto has them."""
PUBLIC_MAIL: Final = FORBIDDEN_DOMAINS | {
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "me.com",
    "msn.com",
    "proton.me",
    "web.de",
    "yandex.ru",
}
"""Mail domains where anybody can have an address."""
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})"
)
_HOST: Final = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_GUID: Final = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")
_CONNECTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One deployment: its name, and the URL that browsers use."""

    name: str
    base_url: str

    @property
    def redirect_uri(self) -> str:
        return f"{self.base_url}/callback"

    @property
    def signed_out_uri(self) -> str:
        """The page after a sign-out, at Logto and at Entra."""
        return signed_out_uri(self.base_url)

    @property
    def post_sign_out_uris(self) -> tuple[str, ...]:
        """The pages that Logto may redirect to after a sign-out.

        Version 0.1.0 uses the start page: with both, either version works during a roll-out.
        """
        return (f"{self.base_url}/", self.signed_out_uri)

    @property
    def backchannel_uri(self) -> str:
        return f"{self.base_url}/backchannel-logout"

    @property
    def webhook_url(self) -> str:
        return f"{self.base_url}/webhooks/logto"

    @property
    def marker(self) -> str:
        """The end of the names of what `setup` makes, which tell who made it and for which URL."""
        return f"(made by setup for {self.base_url})"

    def sign_in_url(self, connector: str) -> str:
        """Return the link that leads straight to a connector's directory."""
        return f"{self.base_url}/sign-in?connector={connector}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualRegistration:
    """An application that somebody registered by hand in the Microsoft Entra admin center."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PartialRegistration:
    """What the command was given of such an application; the connector or the user has the rest."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A company whose users sign in through a connector to its Entra tenant.

    None: an existing connector keeps its value, and a new one gets the default.
    """

    connector_name: str
    issuer: str
    domains: tuple[str, ...]
    display_name: str | None = None
    trust_unverified_email: bool | None = None
    trust_despite_others: bool = False
    """Whether to trust addresses although users of other connectors can be taken over by them."""
    logo_url: str | None = None
    sync_profile: bool | None = None
    manual: PartialRegistration = PartialRegistration()
    audience: str | None = None
    group_claims: bool = False
    secret_days: int = 180

    @property
    def name(self) -> str:
        """The customer's display name; without one, the first label of the first domain."""
        label = self.domains[0].split(".")[0]
        return self.display_name or idna.decode(label).capitalize()


def signed_out_uri(base_url: str) -> str:
    """Return the page after a sign-out from a deployment."""
    return f"{base_url}/signed-out"


def base_url(text: str, *, what: str) -> str:
    """Check a base URL, and return it without a trailing slash.

    Raises ProvisionFailed, whose text begins with `what`.
    """
    try:
        checked = check_base(text)
    except ValueError as fault:
        raise ProvisionFailed(f"{what} {fault}.") from None
    host = urlsplit(checked).hostname or ""
    if ":" not in host and not _HOST.fullmatch(host):
        raise ProvisionFailed(f"{what} does not have a valid host name: {host[:80]}.")
    return checked


def logto_endpoint(text: str) -> str:
    """Check a Logto endpoint as the product does. Raises ProvisionFailed."""
    endpoint = base_url(text, what="The Logto endpoint")
    try:
        return check_origin(text)
    except ValueError:
        raise ProvisionFailed(
            "The Logto endpoint must be without a path.",
            f"Pass {origin_of(endpoint)} to --logto-endpoint, or correct LOGTO_ENDPOINT.",
        ) from None


def mail_domains(names: list[str]) -> tuple[str, ...]:
    """Check e-mail domains, and return each once, as mail servers write it.

    Raises ProvisionFailed.
    """
    domains = tuple(dict.fromkeys(map(_mail_domain, names)))
    for name in domains:
        if name in PUBLIC_MAIL:
            raise ProvisionFailed(
                f"{name} is a public mail domain, where anybody can have an address.",
                "Leave it out of --domain.",
            )
    return domains


def is_guid(text: str) -> bool:
    """Tell whether a text is a GUID, as Entra's ids are, and its secrets are not."""
    return _GUID.fullmatch(text.strip()) is not None


def entra_client_secret(text: str) -> str:
    """Check the client secret of an application at Entra. Raises ProvisionFailed."""
    if is_guid(text):
        raise ProvisionFailed(
            "The client secret at Entra is a GUID: that is the secret's id, not its value.",
            "Copy the value. Entra shows it once, right after the secret was made: if it is gone, "
            "make a new one.",
        )
    return text


def _mail_domain(name: str) -> str:
    """Return a domain in lower case, with other letters than a to z encoded (RFC 5890)."""
    given = name.strip().lower().removeprefix("@").removesuffix(".")
    try:
        domain = given if given.isascii() else idna.encode(given, uts46=True).decode()
        idna.decode(domain)  # refuses an encoding that cannot be decoded
    except idna.IDNAError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise ProvisionFailed(
            f"{name[:80]} is not a valid domain.",
            "Pass a domain such as contoso.com to --domain.",
        )
    return check_text("ALLOWED_EMAIL_DOMAINS", domain, option="--domain")


def product_name(name: str) -> str:
    """Check the name of a product as the product does. Raises ProvisionFailed."""
    return check_text("BRAND_NAME", name, option="--name")


def display_name(name: str | None) -> str | None:
    """Check the name of a customer; None stays None. Raises ProvisionFailed."""
    return None if name is None else check_text("BRAND_NAME", name, option="--display-name")


def logo_url(url: str | None) -> str | None:
    """Check the URL of a logo; None stays None. Raises ProvisionFailed."""
    return None if url is None else check_text("BRAND_LOGO_URL", url, option="--logo-url")


def connector_name(name: str) -> str:
    """Check the name of a connector. Raises ProvisionFailed."""
    if not _CONNECTOR.fullmatch(name):
        raise ProvisionFailed(
            f"{name[:80]} is not a valid name for a connector.",
            "Pass up to 64 letters a to z, digits, spaces, dots, dashes and underscores to "
            "--connector-name.",
        )
    return name
