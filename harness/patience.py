"""Limits for a busy machine: how fast it is is not what tests try."""

from dataclasses import replace
from typing import Final

from shared.limits import Limits

_SECONDS: Final = 30.0
"""What one step may take."""
_WHOLE_SECONDS: Final = 600.0
"""What a request may take."""

PATIENT: Final = Limits(
    init_seconds=_WHOLE_SECONDS,
    page_seconds=_WHOLE_SECONDS,
    sign_out_seconds=_WHOLE_SECONDS,
    message_seconds=_WHOLE_SECONDS,
    queue_seconds=4 * _SECONDS,
    admin_seconds=_WHOLE_SECONDS,
    authorizer_seconds=_WHOLE_SECONDS,
    aws_connect_seconds=_SECONDS,
    aws_read_seconds=_SECONDS,
    aws_retry_pause_seconds=0,
    conflict_pauses=(0, 0),
    batch_pauses=(0, 0, 0),
    exchange_seconds=_SECONDS,
    connect_seconds=_SECONDS,
    metadata_seconds=2 * _SECONDS,
    metadata_renewal_seconds=2 * _SECONDS,
    sign_out_provider_seconds=4 * _SECONDS,
    redeem_seconds=4 * _SECONDS,
    persist_seconds=_WHOLE_SECONDS,
    refresh_wait_seconds=_WHOLE_SECONDS,
)
"""The deployed limits with all the time that a slow machine can need, and without pauses."""


def impatient(seconds: float) -> Limits:
    """Return patient limits for DynamoDB, and such a limit for each request to Logto."""
    return replace(
        PATIENT,
        exchange_seconds=seconds,
        metadata_seconds=seconds,
        metadata_renewal_seconds=seconds,
        sign_out_provider_seconds=seconds,
        redeem_seconds=seconds,
    )
