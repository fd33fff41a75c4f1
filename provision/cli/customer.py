"""A customer out of options and answers."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from provision.cli.options import CustomerOptions, Entra
from provision.context import World
from provision.desired import (
    AUDIENCE,
    Customer,
    GivenEntra,
    ManualEntra,
    base_url,
    connector_name,
    mail_domains,
)
from provision.errors import ProvisionFailed
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi
from provision.microsoft import check_issuer, issuer_of
from provision.setup import Means
from provision.steps.connector import AskManual, callback_uri, find_connector

_ACCOUNTS: Final = {
    "AzureADMyOrg": "this organizational directory only",
    "AzureADMultipleOrgs": "any organizational directory",
}
AUDIENCES: Final = tuple(_ACCOUNTS)
_TRUST: Final = """\
Entra sends addresses and does not say whether it verified them. Without trust Logto keeps no
address of these users, and one who has an account with the same address gets a second one beside
it. With trust they are joined: say yes only where this directory hands out addresses of domains
that are its own."""


def customer_of(
    world: World, api: LogtoApi, given: CustomerOptions, entra: Entra, *, yes: bool
) -> Customer:
    """Checked before anything is touched. Raises ProvisionFailed and WrongUse."""
    if given.entra_audience not in (None, *AUDIENCES):
        raise ProvisionFailed(f"--entra-audience is one of {' and '.join(AUDIENCES)}")
    authority = base_url(entra.entra_authority, what="--entra-authority")
    domains = mail_domains(given.domain or _asked_domains(world))
    if given.issuer is not None:
        issuer = check_issuer(given.issuer)
    else:
        tenant = given.entra_tenant or world.ask(
            "The Entra directory (tenant) id, or its domain", "--entra-tenant"
        )
        issuer = issuer_of(tenant, authority=authority)
    name = connector_name(given.connector_name or f"entra-{domains[0].split('.')[0]}")
    trusts = given.trust_unverified_email
    if trusts is None and world.interactive and not yes and find_connector(api, name) is None:
        trusts = _asked_trust(world)
    return Customer(
        connector_name=name,
        display_name=given.display_name,
        issuer=issuer,
        domains=domains,
        trust_unverified_email=trusts,
        logo_url=given.logo_url,
        sync_profile=given.sync_profile,
        manual=_manual(world, given),
        audience=given.entra_audience,
        group_claims=given.group_claims,
        secret_days=given.secret_days,
    )


def tenant_of(issuer: str) -> str:
    """The tenant's id in an issuer."""
    return issuer.removesuffix("/v2.0").rpartition("/")[2]


def graph_of(world: World, entra: Entra, open_until: ExitStack) -> Callable[[str], GraphApi]:
    """Microsoft Graph in the tenant of an issuer, signed in to when it is first used."""
    endpoint = base_url(entra.graph_endpoint, what="--graph-endpoint")
    opened: dict[str, GraphApi] = {}

    def graph(issuer: str) -> GraphApi:
        if issuer not in opened:
            token = world.credentials(tenant_of(issuer), entra.entra_login)
            opened[issuer] = open_until.enter_context(GraphApi(token, endpoint=endpoint))
        return opened[issuer]

    return graph


def means_of(
    world: World, api: LogtoApi, given: CustomerOptions, entra: Entra, open_until: ExitStack
) -> Means:
    """What setting this customer up works with."""
    graph = graph_of(world, entra, open_until)
    return Means(
        api=api,
        graph_for=lambda customer: None if given.manual_entra else graph(customer.issuer),
        ask=ask_manual(world, api.endpoint),
        now=world.clock(),
    )


def ask_manual(world: World, logto: str) -> AskManual:
    """Says what to click in the Microsoft Entra admin center, and asks for what it shows; once."""
    answered: dict[str, ManualEntra] = {}

    def ask(customer: Customer) -> ManualEntra:
        if customer.connector_name not in answered:
            given = customer.manual
            world.err.print(_instructions(customer, logto), markup=False)
            answered[customer.connector_name] = ManualEntra(
                client_id=given.client_id
                or world.ask("Application (client) id", "--entra-client-id"),
                client_secret=given.client_secret
                or world.ask_secret("Client secret (its value)", "ENTRA_CLIENT_SECRET"),
            )
        return answered[customer.connector_name]

    return ask


def _manual(world: World, given: CustomerOptions) -> GivenEntra:
    if not given.manual_entra:
        return GivenEntra()
    secret = world.environment.get("ENTRA_CLIENT_SECRET")
    if given.entra_secret_file is not None:
        secret = world.secret("Client secret", "ENTRA_CLIENT_SECRET", given.entra_secret_file)
    return GivenEntra(client_id=given.entra_client_id, client_secret=secret)


def _asked_domains(world: World) -> list[str]:
    text = world.ask("E-mail domains of the customer, separated by spaces", "--domain")
    return text.replace(",", " ").split()


def _asked_trust(world: World) -> bool:
    world.err.print(_TRUST, markup=False)
    return world.confirm("Trust the addresses of this directory?", "--trust-unverified-email")


def _instructions(customer: Customer, logto: str) -> str:
    tenant = tenant_of(customer.issuer)
    accounts = _ACCOUNTS[customer.audience or AUDIENCE]
    groups = "\n     Add groups claim, Security groups. Add." if customer.group_claims else ""
    return f"""\
In the Microsoft Entra admin center (https://entra.microsoft.com), in the tenant {tenant}:
  1. App registrations, New registration. Name: {customer.name} sign-in through Logto.
     Supported account types: {accounts}. Leave the redirect URI empty for
     now. Register.
  2. Note the Application (client) id on the overview.
  3. Certificates & secrets, New client secret. Note its value, not its id.
  4. Token configuration, Add optional claim, ID, email. Add.{groups}
  5. API permissions: openid, profile and email of Microsoft Graph, delegated.
The redirect URI comes last, when the connector has its id:
{callback_uri(logto, "<connector id>")}."""
