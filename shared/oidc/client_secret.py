"""Secrets that Logto and this product share: the application's, and the webhook's signing key.

They come from Secrets Manager or SSM by ARN, or are given on a laptop. Powertools keeps one for an
hour. One that is refused is read anew once, so what was rotated and stored needs no redeploy.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.errors import Misconfigured, SecretUnavailable
from shared.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
    from botocore.config import Config

MAX_AGE_SECONDS = 3600
LOOK_SECONDS = 10
"""Time between two readings of a secret because it was refused."""

Fetch = Callable[[str, bool], str]
"""Reads the secret of an ARN; the flag asks for a reading that is not from a cache."""


@dataclass(slots=True)
class StoredSecret:
    """Where a secret comes from; its value never appears in `repr`.

    `name` is the variable that names it. `member` is that of a secret stored as JSON.
    """

    arn: str | None
    given: str | None = field(repr=False)
    fetch: Fetch = field(repr=False)
    name: str = "LOGTO_APP_SECRET"
    member: str | None = "app_secret"
    _looked_at: float = field(default=float("-inf"), repr=False)

    def value(self) -> str:
        """The secret. Raises Misconfigured where it cannot be read."""
        return self.given if self.given is not None else self._read(anew=False)

    def renewed(self, refused: str) -> str | None:
        """A secret other than the `refused` one, if there is one by now.

        It is looked for at most once in `LOOK_SECONDS`, however much is refused.
        """
        if self.given is not None or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return None
        self._looked_at = time.monotonic()
        secret = self._read(anew=True)
        return secret if secret != refused else None

    def _read(self, *, anew: bool) -> str:
        if self.arn is None:
            raise Misconfigured(f"{self.name} is not set")
        return plain_secret(self.fetch(self.arn, anew), member=self.member)


def app_secret(settings: Settings, fetch: Fetch) -> StoredSecret:
    """The secret that the settings name."""
    return StoredSecret(
        arn=settings.logto_app_secret_arn,
        given=settings.logto_app_secret,
        fetch=fetch,
    )


def webhook_key(settings: Settings, fetch: Fetch) -> StoredSecret:
    """The signing key of Logto's webhook that the settings name: plain text."""
    return StoredSecret(
        arn=settings.logto_webhook_signing_key_arn,
        given=settings.logto_webhook_signing_key,
        fetch=fetch,
        name="LOGTO_WEBHOOK_SIGNING_KEY",
        member=None,
    )


def plain_secret(stored: str, *, member: str | None = "app_secret") -> str:
    """The secret out of what is stored: plain text, or JSON with this member."""
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
    """Reads Secrets Manager secrets and SSM SecureStrings, with the time limits of `config`."""

    def __init__(self, config: "Config") -> None:
        self._config = config
        self._secrets: SecretsProvider | None = None
        self._parameters: SSMProvider | None = None

    def __call__(self, arn: str, anew: bool) -> str:
        """The secret of `arn`. Raises SecretUnavailable."""
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        read = self._read_parameter if arn.split(":")[2] == "ssm" else self._read_secret
        try:
            return read(arn, anew)
        except GetParameterError:
            raise SecretUnavailable("the secret of an ARN cannot be read") from None

    def _read_secret(self, arn: str, anew: bool) -> str:
        from aws_lambda_powertools.utilities.parameters import SecretsProvider

        if self._secrets is None:
            self._secrets = SecretsProvider(boto_config=self._config)
        return _text(self._secrets.get(arn, max_age=MAX_AGE_SECONDS, force_fetch=anew))

    def _read_parameter(self, arn: str, anew: bool) -> str:
        from aws_lambda_powertools.utilities.parameters import SSMProvider

        if self._parameters is None:
            self._parameters = SSMProvider(boto_config=self._config)
        return _text(
            self._parameters.get(arn, max_age=MAX_AGE_SECONDS, decrypt=True, force_fetch=anew)
        )


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
