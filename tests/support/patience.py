"""Time for a machine that is busy with other things: how fast it is is not what tests try."""

from botocore.config import Config

from shared import dynamodb

AS_DEPLOYED = dynamodb.LIMITS
"""The time limits of a deployment."""
PATIENT = AS_DEPLOYED.merge(Config(connect_timeout=30, read_timeout=30))


def be_patient() -> None:
    """Let DynamoDB clients that this process makes from now on wait for a long time."""
    dynamodb.LIMITS = PATIENT
