"""Build a Customer from options and answers, and the services that setting it up needs."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from provision.cli.options import CustomerOptions, EntraOptions
from provision.clouds import Microsoft, microsoft_for
from provision.context import Context
from provision.desired import (
    AUDIENCE,
    Customer,
    ManualRegistration,
    PartialRegistration,
    Product,
    base_url,
    connector_name,
    display_name,
    entra_client_secret,
    logo_url,
    mail_domains,
)
from provision.errors import ProvisionFailed
from provision.graph_api import GraphApi
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.microsoft import check_issuer, issuer_of, tenant_of
from provision.setup import SetupServices
from provision.steps.connector import AskManual, callback_uri
from provision.steps.registration import redirect_uris
from provision.steps.trust import names_of

_ACCOUNTS: Final = {
    "AzureADMyOrg": "this organizational directory only",
    "AzureADMultipleOrgs": "any organizational directory",
}
"""Values of `signInAudience`, and what the Microsoft Entra admin center calls them."""
_TRUST: Final = """\
Entra sends e-mail addresses, but does not say whether it verified them. Without trust, Logto keeps
no address for these users, and a user who already has an account with the same address gets a
second account. With trust, the two are joined. Answer yes only if this directory gives out
addresses of its own domains and of no others."""
_TRUST_BESIDE_OTHERS: Final = """\
WARNING: this Logto has other connectors ({names}).
Logto joins users by address, whatever the domains of a connector are. If you trust this directory,
its administrator can write anybody's address into it, and sign in as that customer's user."""
_NO_TRUST_BESIDE_OTHERS: Final = """\
This Logto has other connectors ({names}), so the addresses of this directory are not trusted:
Logto joins users by address, and an administrator of one customer's directory could sign in as
another customer's user."""


def customer_of(
    context: Context,
    api: LogtoApi,
    options: CustomerOptions,
    entra_options: EntraOptions,
    *,
    yes: bool,
) -> Customer:
    """Check the options, ask for what is missing, and return the customer.

    Changes nothing. Raises ProvisionFailed and UsageError.
    """
    audience = options.entra_audience
    if audience is not None and audience not in _ACCOUNTS:
        raise ProvisionFailed(
            f"{audience[:60]} is not a valid audience.",
            f"Pass {' or '.join(_ACCOUNTS)} to --entra-audience.",
        )
    shown, logo = display_name(options.display_name), logo_url(options.logo_url)
    domains = mail_domains(options.domain or _ask_domains(context))
    issuer = _issuer(context, options, entra_options)
    derived = f"entra-{domains[0].split('.')[0]}"[:64].rstrip("-")
    name = connector_name(options.connector_name or derived)
    trusts, despite_others = options.trust_unverified_email, options.trust_despite_other_connectors
    if trusts is None and context.interactive and not yes:
        trusts = _ask_trust(context, api.connectors(), name, despite_others=despite_others)
    return Customer(
        connector_name=name,
        display_name=shown,
        issuer=issuer,
        domains=domains,
        trust_unverified_email=trusts,
        trust_despite_others=despite_others,
        logo_url=logo,
        sync_profile=options.sync_profile,
        manual=_partial_registration(context, options),
        audience=audience,
        group_claims=options.group_claims,
        secret_days=options.secret_days,
    )


def graph_opener(
    context: Context, options: EntraOptions, open_until: ExitStack
) -> Callable[[str], GraphApi]:
    """Return a function that gives Microsoft Graph in the tenant of an issuer.

    It signs in at first use, once a tenant; `open_until` closes the connections.
    """
    opened: dict[str, GraphApi] = {}

    def graph_for(issuer: str) -> GraphApi:
        if issuer not in opened:
            microsoft = microsoft_of(options, issuer)
            token = context.credentials(tenant_of(issuer), options.entra_login, microsoft)
            opened[issuer] = open_until.enter_context(GraphApi(token, endpoint=microsoft.graph))
        return opened[issuer]

    return graph_for


def microsoft_of(options: EntraOptions, issuer: str | None = None) -> Microsoft:
    """Return Microsoft's cloud that the options and an issuer name. Raises ProvisionFailed."""
    authority, graph = options.entra_authority, options.graph_endpoint
    return microsoft_for(
        options.cloud,
        issuer=issuer,
        authority=base_url(authority, what="--entra-authority") if authority else None,
        graph=base_url(graph, what="--graph-endpoint") if graph else None,
    )


def setup_services(
    context: Context,
    api: LogtoApi,
    product: Product,
    options: CustomerOptions,
    entra_options: EntraOptions,
    open_until: ExitStack,
) -> SetupServices:
    """Return what setting up this customer needs. Raises ProvisionFailed."""
    graph_for = graph_opener(context, entra_options, open_until)
    return SetupServices(
        api=api,
        graph_for=lambda customer: None if options.manual_entra else graph_for(customer.issuer),
        ask=_ask_manual(context, api.endpoint, product, entra_options),
        now=context.clock(),
    )


def _issuer(context: Context, options: CustomerOptions, entra_options: EntraOptions) -> str:
    microsoft = microsoft_of(entra_options, options.issuer)
    if options.issuer is not None:
        return check_issuer(options.issuer)
    question = "The Entra directory (tenant) id, or its domain"
    tenant = options.entra_tenant or context.ask(question, "--entra-tenant")
    issuer = issuer_of(tenant, authority=microsoft.authority)
    microsoft_of(entra_options, issuer)  # the answer can be an issuer of another cloud
    return issuer


def _ask_manual(
    context: Context, logto: str, product: Product, entra_options: EntraOptions
) -> AskManual:
    """Return a function that prints instructions and asks for what the admin center shows.

    Each connector is asked about once, since a plan and its application both need the answer.
    """
    answered: dict[str, ManualRegistration] = {}

    def ask(customer: Customer) -> ManualRegistration:
        if customer.connector_name not in answered:
            given = customer.manual
            console = microsoft_of(entra_options, customer.issuer).console
            context.err.print(_instructions(customer, logto, product, console), markup=False)
            answered[customer.connector_name] = ManualRegistration(
                client_id=given.client_id
                or context.ask("Application (client) id", "--entra-client-id"),
                client_secret=given.client_secret
                or entra_client_secret(
                    context.ask_secret("Client secret (its value)", "ENTRA_CLIENT_SECRET")
                ),
            )
        return answered[customer.connector_name]

    return ask


def _partial_registration(context: Context, options: CustomerOptions) -> PartialRegistration:
    if not options.manual_entra:
        return PartialRegistration()
    variable, file = "ENTRA_CLIENT_SECRET", options.entra_secret_file
    is_given = file is not None or bool(context.environment.get(variable))
    secret = context.secret("Client secret", variable, file) if is_given else None
    return PartialRegistration(
        client_id=options.entra_client_id,
        client_secret=entra_client_secret(secret) if secret else None,
    )


def _ask_domains(context: Context) -> list[str]:
    text = context.ask("E-mail domains of the customer, separated by spaces", "--domain")
    return text.replace(",", " ").split()


def _ask_trust(
    context: Context, connectors: list[Json], name: str, *, despite_others: bool
) -> bool | None:
    """Ask whether to trust a new connector's directory.

    An existing connector keeps its decision. Beside others, a new one is trusted only if the
    operator has accepted the risk, by `despite_others`.
    """
    if any(one.get("connectorName") == name for one in connectors):
        return None
    names = names_of(connectors)
    if connectors and not despite_others:
        context.err.print(_NO_TRUST_BESIDE_OTHERS.format(names=names), markup=False)
        return False
    context.err.print(_TRUST, markup=False)
    if connectors:
        context.err.print(_TRUST_BESIDE_OTHERS.format(names=names), markup=False)
    return context.confirm("Trust the addresses of this directory?", "--trust-unverified-email")


def _instructions(customer: Customer, logto: str, product: Product, console: str) -> str:
    tenant = tenant_of(customer.issuer)
    uris = "\n".join(redirect_uris(callback_uri(logto, "<connector id>"), product.base_url))
    accounts = _ACCOUNTS[customer.audience or AUDIENCE]
    groups = "\n     Add groups claim, Security groups. Add." if customer.group_claims else ""
    return f"""\
In the Microsoft Entra admin center ({console}), in the tenant {tenant}:
  1. App registrations, New registration. Name: {customer.name} sign-in through Logto.
     Supported account types: {accounts}. Leave the redirect URI empty for
     now. Register.
  2. Note the Application (client) id on the overview.
  3. Certificates & secrets, New client secret. Note its value, not its id.
  4. Token configuration, Add optional claim, ID, email. Add.{groups}
  5. API permissions: openid, profile and email of Microsoft Graph, delegated.
The redirect URIs (platform Web) come last, when the connector has its id:
{uris}"""
