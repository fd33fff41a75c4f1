"""Time for a machine that is busy with other things: how fast it is is not what tests try."""

from typing import Final

from botocore.config import Config

from functions.authorizer import token_refresh as access_tokens
from shared.oidc import provider
from shared.store import dynamodb

AS_DEPLOYED: Final = dynamodb.LIMITS
"""The time limits of a deployment for DynamoDB."""
SECONDS: Final = 30.0
PATIENT: Final = AS_DEPLOYED.merge(Config(connect_timeout=SECONDS, read_timeout=SECONDS))


def be_patient() -> None:
    """Let this process wait long for the table and for Logto's documents, and begin and finish
    refreshes however long their requests have taken. Clients that are made from now on do."""
    dynamodb.LIMITS = PATIENT
    provider.FETCH_SECONDS = provider.RENEWAL_SECONDS = SECONDS
    access_tokens.LEASE_WITHIN_SECONDS = access_tokens.REDEEM_WITHIN_SECONDS = SECONDS
    access_tokens.REDEEMED_BY_SECONDS = SECONDS
