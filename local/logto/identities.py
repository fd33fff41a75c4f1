"""Stored identities: what Logto keeps of Entra's ID token at each sign-in through a connector."""

import re
from collections.abc import Mapping
from typing import Any

from local.logto.tenant import Connector, SsoIdentity, User
from local.microsoft.state import Account, Client, id_token_claims


def client_of(connector: Connector, callback: str = "", accounts: tuple[User, ...] = ()) -> Client:
    """Describe a connector as Entra sees it: as a client with a redirect URI."""
    return Client(
        id=connector.id,
        issuer=connector.issuer,
        tenant_id=connector.tenant_id,
        client_id=connector.client_id,
        redirect_uri=callback,
        is_checked=connector.client_secret is not None,
        accounts=accounts,
    )


def store(user: User, connector: Connector, claims: Mapping[str, Any]) -> None:
    """Store the claims of Entra's ID token as the user's identity at this connector."""
    detail = {_camel_case(name): value for name, value in claims.items()}
    user.sso_identities[connector.id] = SsoIdentity(
        issuer=connector.issuer,
        identity_id=claims["sub"],
        detail={"id": claims["sub"], **detail},
    )


def store_identity(user: User, connector: Connector, account: Account, *, vouched_at: int) -> None:
    """Store what a sign-in by this account through this connector would have; seconds.

    A user gets identities of several tenants by one call for each connector.
    """
    store(user, connector, id_token_claims(client_of(connector), account, None, now=vouched_at))


def _camel_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match[1].upper(), name)
