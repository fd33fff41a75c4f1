"""The settings: one frozen object, validated once, every error with its variable and its fix."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.errors import SettingsInvalid
from shared.urls import check_base

DEFAULT_SCOPES = (
    "email",
    "roles",
    "urn:logto:scope:organizations",
    "urn:logto:scope:organization_roles",
)
"""What is asked for beyond `openid`, `offline_access` and `profile`, which the SDK always adds."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}|arn:[A-Za-z0-9:/_.-]{1,1000}")
_SECRET_ARN = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|ssm:[a-z0-9-]+:\d{12}:parameter/\S+)"
)
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 section 3.3
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a deployment is told. Lifetimes are whole seconds."""

    logto_endpoint: str
    logto_app_id: str
    logto_app_secret: str | None = field(default=None, repr=False)
    logto_app_secret_arn: str | None = None
    table_name: str
    base_url: str | None = None
    session_idle_seconds: int = 3600
    session_absolute_seconds: int = 43_200
    logto_scopes: tuple[str, ...] = DEFAULT_SCOPES
    logto_resources: tuple[str, ...] = ()
    logto_default_connector: str | None = None
    brand_name: str = "Sign-in"
    brand_logo_url: str | None = None
    brand_accent_colour: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check every variable; an empty one counts as absent.

        Raises SettingsInvalid that lists every fault at once, and never a value of one.
        """
        reader = _Reader(_as_deployed(environment))
        settings = cls(
            logto_endpoint=reader.required(
                "LOGTO_ENDPOINT",
                check_base,
                "set it to your Logto endpoint, such as https://tenant.logto.app",
            ),
            logto_app_id=reader.required(
                "LOGTO_APP_ID",
                _matching(_NAME, "is not an application id"),
                "copy it from the application's page in the Logto Console",
            ),
            logto_app_secret=reader.optional("LOGTO_APP_SECRET", _printable),
            logto_app_secret_arn=reader.optional(
                "LOGTO_APP_SECRET_ARN",
                _matching(
                    _SECRET_ARN,
                    "is not the ARN of a Secrets Manager secret or an SSM parameter",
                ),
            ),
            table_name=reader.required(
                "TABLE_NAME",
                _matching(_TABLE, "is not the name of a DynamoDB table"),
                "set it to the name of the DynamoDB table",
            ),
            base_url=reader.optional("BASE_URL", check_base),
            session_idle_seconds=reader.seconds("SESSION_IDLE_SECONDS", 3600, 60, 30 * _DAY),
            session_absolute_seconds=reader.seconds(
                "SESSION_ABSOLUTE_SECONDS", 43_200, 120, 30 * _DAY
            ),
            logto_scopes=reader.words("LOGTO_SCOPES", DEFAULT_SCOPES, _scope),
            logto_resources=reader.words("LOGTO_RESOURCES", (), _indicator),
            logto_default_connector=reader.optional(
                "LOGTO_DEFAULT_CONNECTOR", _matching(_NAME, "is not a connector id")
            ),
            brand_name=reader.optional("BRAND_NAME", _short_text) or "Sign-in",
            brand_logo_url=reader.optional("BRAND_LOGO_URL", _https_url),
            brand_accent_colour=reader.optional(
                "BRAND_ACCENT_COLOUR", _matching(_COLOUR, "is not a colour such as #0b57d0")
            ),
        )
        reader.check_together(settings)
        reader.finish()
        return settings


def _as_deployed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Without what only the SAM CLI's emulator sets: the logical id of a secret as its ARN."""
    arn = environment.get("LOGTO_APP_SECRET_ARN", "")
    if environment.get("AWS_SAM_LOCAL") != "true" or arn.startswith("arn:"):
        return environment
    return {**environment, "LOGTO_APP_SECRET_ARN": ""}


class _Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []

    def optional(self, name: str, check: Callable[[str], str]) -> str | None:
        value = self._environment.get(name, "").strip()
        if not value:
            return None
        try:
            return check(value)
        except ValueError as fault:
            self._faults.append(f"{name} {fault}")
            return None

    def required(self, name: str, check: Callable[[str], str], fix: str) -> str:
        if not self._environment.get(name, "").strip():
            self._faults.append(f"{name} is missing: {fix}")
        return self.optional(name, check) or ""

    def seconds(self, name: str, default: int, least: int, most: int) -> int:
        value = self._environment.get(name, "").strip()
        if not value:
            return default
        if value.isascii() and value.isdigit() and least <= int(value[:12]) <= most:
            return int(value)
        self._faults.append(f"{name} must be whole seconds from {least} to {most}")
        return default

    def words(
        self, name: str, default: tuple[str, ...], check: Callable[[str], str]
    ) -> tuple[str, ...]:
        """Words separated by spaces or commas, each once."""
        value = self._environment.get(name)
        if value is None:
            return default
        words = dict.fromkeys(value.replace(",", " ").split())
        for word in words:
            try:
                check(word)
            except ValueError as fault:
                self._faults.append(f"{name} {fault}")
        return tuple(words)

    def check_together(self, settings: Settings) -> None:
        secrets = (settings.logto_app_secret, settings.logto_app_secret_arn)
        if all(secrets):
            self._faults.append(
                "LOGTO_APP_SECRET and LOGTO_APP_SECRET_ARN are both set: keep one of them"
            )
        named = ("LOGTO_APP_SECRET", "LOGTO_APP_SECRET_ARN")
        if not any(self._environment.get(name, "").strip() for name in named):
            self._faults.append(
                "LOGTO_APP_SECRET_ARN is missing: set it to the ARN of the secret that holds the "
                "application's secret (or set LOGTO_APP_SECRET on a laptop)"
            )
        if settings.session_idle_seconds >= settings.session_absolute_seconds:
            self._faults.append(
                "SESSION_IDLE_SECONDS must be shorter than SESSION_ABSOLUTE_SECONDS"
            )

    def finish(self) -> None:
        if self._faults:
            raise SettingsInvalid("; ".join(self._faults))


def _matching(pattern: re.Pattern[str], fault: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(fault)
        return value

    return check


def _printable(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("holds a character that a secret of Logto never holds")
    return value


def _short_text(value: str) -> str:
    if len(value) > 80 or not value.isprintable():
        raise ValueError("must be at most 80 printable characters")
    return value


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise ValueError("holds a word that is no OAuth scope")
    return value


def _indicator(value: str) -> str:
    if ":" not in value or "#" in value or not value.isascii() or not value.isprintable():
        raise ValueError("must hold absolute URIs without fragment (RFC 8707 section 2)")
    return value


def _https_url(value: str) -> str:
    head, separator, query = value.partition("?")
    checked = check_base(head)
    if not checked.startswith("https://") or '"' in query or not query.isascii():
        raise ValueError("must begin with https://")
    return checked + separator + query
