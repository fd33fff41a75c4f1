"""The application's secret: from Secrets Manager or SSM by ARN, or given on a laptop.

Powertools keeps it for an hour. After `invalid_client` it is read anew once, so a secret that
was rotated at Logto and stored needs no redeploy.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.errors import Misconfigured, SecretUnavailable
from shared.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
    from botocore.config import Config

MAX_AGE_SECONDS = 3600

Fetch = Callable[[str, bool], str]
"""Reads the secret of an ARN; the flag asks for a reading that is not from a cache."""


@dataclass(slots=True)
class AppSecret:
    """Where the secret comes from; its value never appears in `repr`."""

    arn: str | None
    given: str | None = field(repr=False)
    fetch: Fetch = field(repr=False)

    def value(self) -> str:
        """The secret. Raises Misconfigured where it cannot be read."""
        return self.given if self.given is not None else self._read(anew=False)

    def renewed(self, refused: str) -> str | None:
        """A secret other than the `refused` one, if there is one by now."""
        if self.given is not None:
            return None
        secret = self._read(anew=True)
        return secret if secret != refused else None

    def _read(self, *, anew: bool) -> str:
        if self.arn is None:
            raise Misconfigured("no application secret is set")
        return plain_secret(self.fetch(self.arn, anew))


def app_secret(settings: Settings, fetch: Fetch) -> AppSecret:
    """The secret that the settings name."""
    return AppSecret(
        arn=settings.logto_app_secret_arn,
        given=settings.logto_app_secret,
        fetch=fetch,
    )


def plain_secret(stored: str) -> str:
    """The secret out of what is stored: plain text, or JSON with `app_secret`."""
    text = stored.strip()
    if text.startswith("{"):
        try:
            text = json.loads(text)["app_secret"]
        except (ValueError, KeyError, TypeError):
            text = ""
    if not isinstance(text, str) or not text:
        raise Misconfigured("the stored application secret is neither text nor JSON app_secret")
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
            raise SecretUnavailable("LOGTO_APP_SECRET_ARN cannot be read") from None

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
