"""The redirect URI of a connector: people come back here from Entra, and become Logto's users."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.logto.identities import store
from local.logto.screens import UnknownSession, finish, to_sign_in
from local.logto.state import StandInState
from local.logto.tenant import Connector, Tenant, User
from local.oauth import parameters
from local.oauth.errors import Refusal


async def _callback(request: Request) -> Response:
    """Finish a sign-in at Entra.

    A cancelled one goes back to Logto's sign-in page; the application is told nothing about it.
    """
    state: StandInState = request.app.state.stand_in
    given = parameters.query(request)
    interaction = given.need("state")
    if interaction not in state.interactions:
        raise UnknownSession
    if "code" not in given:
        return to_sign_in(interaction, state)
    sign_in = state.microsoft.redeem_code(given["code"])
    connector = state.tenant.connectors.get(request.path_params["connector"])
    account = state.tenant.users.get(sign_in.account) if sign_in else None
    if connector is None or account is None or sign_in is None or sign_in.client != connector.id:
        raise Refusal("invalid_request", "the connector's sign-in failed")
    if not _secret_is_accepted(connector, state):
        raise Refusal("invalid_request", "the connector's client secret is refused by Entra")
    user = _user_of(account, connector, state)
    # Written at each sign-in through the connector, also if profiles are not synchronized.
    store(user, connector, sign_in.claims)
    return await finish(request, user, interaction)


def _secret_is_accepted(connector: Connector, state: StandInState) -> bool:
    return connector.client_secret is None or state.microsoft.accepts_secret(
        connector.tenant_id, connector.client_id, connector.client_secret
    )


def _user_of(account: User, connector: Connector, state: StandInState) -> User:
    """The user of Logto who signs in by this account from now on.

    At the first sign-in that is the user with the same address, if the connector trusts it; else it
    is a new user.
    """
    tenant = state.tenant
    user, is_new = tenant.linked(account), not account.known
    if user is None and is_new and connector.trust_unverified_email and account.email:
        user = tenant.user_by_email(account.email)
    if user is None:
        user = account
        if is_new:
            _join_organizations(user, connector, tenant)
    else:
        user.accounts = tuple(dict.fromkeys((*user.accounts, account.id)))
        if connector.sync_profile:
            user.name, user.picture = account.name, account.picture
    user.connector = connector.id
    return user


def _join_organizations(user: User, connector: Connector, tenant: Tenant) -> None:
    """Make a new user a member of the organizations that take this connector's users."""
    for organization in tenant.organizations.values():
        if connector.id in organization.jit_connectors:
            organization.members.setdefault(user.id, tuple(organization.jit_roles))


routes = [Route("/callback/{connector}", _callback)]
