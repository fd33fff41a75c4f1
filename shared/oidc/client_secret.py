"""Read the secrets that Logto and this product share: the application's and the webhook's.

They come from Secrets Manager or SSM by ARN, or are given on a laptop. Powertools caches each for
an hour. One that is refused is read again, so a rotated secret needs no new deployment.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.clock import Clock, Deadline
from shared.errors import Misconfigured, SecretUnavailable
from shared.limits import Limits
from shared.settings import Settings
from shared.store.dynamodb import aws_config

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider

Fetch = Callable[[str, bool, Deadline], str]
"""Return the secret of an ARN; the flag bypasses the cache."""


@dataclass(slots=True)
class StoredSecret:
    """The source of a secret: the variable `name`, and the `member` of one stored as JSON."""

    arn: str | None
    given: str | None = field(repr=False)
    fetch: Fetch = field(repr=False)
    clock: Clock = field(repr=False)
    refetch_seconds: float
    name: str = "LOGTO_APP_SECRET"
    member: str | None = "app_secret"
    _refetched_at: float = field(default=float("-inf"), repr=False)

    def value(self, deadline: Deadline) -> str:
        """Return the secret. Raises Misconfigured, and SecretUnavailable when it cannot be read."""
        return self.given if self.given is not None else self._read(deadline, fresh=False)

    def renewed(self, refused: str, deadline: Deadline) -> str | None:
        """Return a secret other than the `refused` one, if one is stored by now.

        It is read at most once in `refetch_seconds`, however much is refused.
        """
        now = self.clock()
        if self.given is not None or 0 <= now - self._refetched_at < self.refetch_seconds:
            return None
        self._refetched_at = now
        secret = self._read(deadline, fresh=True)
        return secret if secret != refused else None

    def _read(self, deadline: Deadline, *, fresh: bool) -> str:
        if self.arn is None:
            raise Misconfigured(f"{self.name} is not set")
        return plain_secret(self.fetch(self.arn, fresh, deadline), member=self.member)


def app_secret(settings: Settings, limits: Limits, fetch: Fetch, clock: Clock) -> StoredSecret:
    """Return the application's secret that the settings name."""
    return StoredSecret(
        arn=settings.logto_app_secret_arn,
        given=settings.logto_app_secret,
        fetch=fetch,
        clock=clock,
        refetch_seconds=limits.secret_refetch_seconds,
    )


def webhook_key(settings: Settings, limits: Limits, fetch: Fetch, clock: Clock) -> StoredSecret:
    """Return the signing key of Logto's webhook that the settings name, which is plain text."""
    return StoredSecret(
        arn=settings.logto_webhook_signing_key_arn,
        given=settings.logto_webhook_signing_key,
        fetch=fetch,
        clock=clock,
        refetch_seconds=limits.secret_refetch_seconds,
        name="LOGTO_WEBHOOK_SIGNING_KEY",
        member=None,
    )


def plain_secret(stored: str, *, member: str | None = "app_secret") -> str:
    """Return the secret out of stored text: the text itself, or this member of a JSON object."""
    text = stored.strip()
    if member is not None and text.startswith("{"):
        try:
            text = json.loads(text)[member]
        except (ValueError, KeyError, TypeError):
            text = ""
    if not isinstance(text, str) or not text:
        raise Misconfigured("the stored secret is neither text nor JSON with its member")
    return text


class SecretReader:
    """Reader of Secrets Manager secrets and SSM SecureStrings, one attempt at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._providers: dict[str, SSMProvider | SecretsProvider] = {}

    def __call__(self, arn: str, fresh: bool, deadline: Deadline) -> str:
        """Return the secret of `arn`. Raises SecretUnavailable."""
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        for _ in range(self._limits.aws_attempts):
            if deadline.left() < self._limits.aws_attempt_seconds:
                raise SecretUnavailable("no time is left to read the secret of an ARN")
            try:
                return self._read(arn, fresh)
            except GetParameterError:
                deadline.pause(self._limits.aws_retry_pause_seconds)
        raise SecretUnavailable("the secret of an ARN cannot be read")

    def _read(self, arn: str, fresh: bool) -> str:
        from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider

        service = arn.split(":")[2]
        options: Any = {"decrypt": True} if service == "ssm" else {}
        if service not in self._providers:
            made = SSMProvider if service == "ssm" else SecretsProvider
            self._providers[service] = made(boto_config=aws_config(self._limits))
        age = self._limits.secret_cache_seconds
        value = self._providers[service].get(arn, max_age=age, force_fetch=fresh, **options)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
