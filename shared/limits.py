"""Every limit of time and size that the product keeps to, in one place.

API Gateway gives an HTTP API 30 seconds and a Lambda authorizer 10. `tests/journey/test_limits.py`
adds the parts of each route up against that. Tests that need patience pass other limits.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits as they are deployed. Times are seconds."""

    # The whole answer, for each kind of request.
    init_seconds: float = 9.0
    """What is done before the first request; Lambda gives INIT 10 seconds."""
    page_seconds: float = 9.0
    sign_out_seconds: float = 12.0
    """A sign-out everywhere deletes in batches, and should not fail half-way."""
    message_seconds: float = 20.0
    """A logout of hundreds of sessions, and the provider's keys."""
    queue_seconds: float = 6.0
    """What is left of a message's time to put it into the queue, or to delay its next delivery."""
    admin_seconds: float = 50.0
    """An operator's action: no API Gateway waits for it."""
    authorizer_seconds: float = 8.0

    # DynamoDB, SQS and Secrets Manager: one attempt, and how many there are.
    aws_connect_seconds: float = 1.0
    aws_read_seconds: float = 1.5
    aws_attempts: int = 2
    aws_retry_pause_seconds: float = 0.1
    conflict_pauses: tuple[float, ...] = (0.05, 0.15)
    """Pauses before new attempts when another transaction has an item at this moment."""
    batch_pauses: tuple[float, ...] = (0.05, 0.2, 0.5)
    """Pauses before the part of a batch that DynamoDB left undone is sent again."""
    secret_cache_seconds: int = 3600
    secret_refetch_seconds: float = 10.0
    """Least time between two readings of a secret because it was refused."""

    # The queue of revocations; `template.yaml` says after how many deliveries it gives up.
    queue_delay_seconds: int = 60
    """Delay of the next delivery after the first that failed; each later one doubles it."""
    queue_longest_delay_seconds: int = 3600

    # Logto.
    exchange_seconds: float = 5.0
    """One request and its whole answer, however slowly the peer sends it."""
    connect_seconds: float = 2.0
    """Name resolution, and then one attempt to connect to one address."""
    keep_alive_seconds: float = 60.0
    """Idle time after which a connection is not used again: a peer may have forgotten it."""
    body_bytes: int = 256 * 1024
    metadata_seconds: float = 4.0
    """Discovery and keys together when nothing usable is cached."""
    metadata_renewal_seconds: float = 2.0
    """Discovery and keys together when the cache is still usable: the request needs the time."""
    metadata_fresh_seconds: float = 3600.0
    metadata_stale_seconds: float = 86_400.0
    """Age at which the cache serves no longer, even in an outage: a key may have been removed."""
    metadata_outage_pause_seconds: float = 30.0
    """Least time between attempts to renew a cache that still serves."""
    key_refetches: int = 5
    """Burst size of the token bucket for refetches because of unknown keys."""
    key_refetch_seconds: float = 10.0
    """Time that earns one more refetch."""
    sign_out_provider_seconds: float = 3.0
    """Each part of a sign-out at Logto: the session here has ended already."""

    # Sessions and sign-ins.
    transaction_seconds: int = 3600
    """How long a person may take at Logto and Entra."""
    touch_seconds: int = 300
    """Activity is recorded at most this often, or four times in a short idle lifetime."""

    # Refreshing an access token; `functions.authorizer.token_refresh` says how they fit together.
    lease_seconds: float = 13.0
    """Longer than everything that its holder does, so that only a dead holder's lease expires."""
    lease_needs_seconds: float = 5.0
    redeem_needs_seconds: float = 3.5
    """What must be left of the request's time to take a lease, and to begin to redeem."""
    redeem_seconds: float = 4.0
    """The part of a refresh that waits for Logto."""
    refresh_reserve_seconds: float = 1.5
    """What Logto must leave of the request's time."""
    persist_seconds: float = 5.5
    """Storing a rotated refresh token, which must not be lost: beyond the request's deadline if
    need be. The function's own timeout leaves room for it."""
    refresh_wait_seconds: float = 6.0
    """How long a request waits for another one's refresh."""
    refresh_pauses: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    """Pauses between reads while another request refreshes; the last one repeats."""
    refresh_backoff_seconds: float = 2.0
    """Time without new attempts after a failed refresh."""

    @property
    def aws_attempt_seconds(self) -> float:
        """The longest that one attempt at a call to AWS can take."""
        return self.aws_connect_seconds + self.aws_read_seconds
