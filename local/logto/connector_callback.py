"""The redirect URI of a connector: people come back here from Entra, and become Logto's users."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.logto.screens import finish, to_sign_in
from local.logto.state import StandInState
from local.logto.tenant import Connector, User
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
        raise Refusal("invalid_request", "session not found: begin at the application again")
    if "code" not in given:
        return to_sign_in(interaction, state)
    connector_id, account_id = state.microsoft.redeem_code(given["code"])
    connector = state.tenant.connectors.get(request.path_params["connector"])
    account = state.tenant.users.get(account_id)
    if connector is None or connector_id != connector.id or account is None:
        raise Refusal("invalid_request", "the connector's sign-in failed")
    if not _secret_is_accepted(connector, state):
        raise Refusal("invalid_request", "the connector's client secret is refused by Entra")
    return finish(_user_of(account, connector, state), interaction, state)


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
    user = tenant.linked(account)
    if user is None and not account.known and connector.trust_unverified_email and account.email:
        user = tenant.user_by_email(account.email)
    if user is None:
        user = account
    else:
        user.account = account.id
        if connector.sync_profile:
            user.name, user.picture = account.name, account.picture
    user.connector = connector.id
    return user


routes = [Route("/callback/{connector}", _callback)]
