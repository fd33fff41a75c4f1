"""The product's own checks of settings, made before `setup` writes any."""

from collections.abc import Mapping
from typing import Final

from provision.errors import ProvisionFailed
from provision.run import NOT_YET
from shared.environment import declarations
from shared.errors import SettingsInvalid
from shared.settings import Settings

_DECLARED: Final = declarations(Settings)
_PENDING: Final[Mapping[str, str]] = {"LOGTO_APP_ID": "pending", "TABLE_NAME": "pending"}
"""Valid values for what `setup` or the deployment fills in."""
_LOCAL: Final[Mapping[str, str]] = {
    "LOGTO_APP_SECRET": "pending",
    "LOGTO_WEBHOOK_SIGNING_KEY": "pending",
    **dict.fromkeys(
        (
            "LOGTO_APP_SECRET_ARN",
            "LOGTO_WEBHOOK_SIGNING_KEY_ARN",
            "REVOCATION_QUEUE_URL",
            "BASE_URL",
        ),
        "",
    ),
}
"""What the local stack sets itself, whatever `.env` has."""


def check_text(variable: str, text: str, *, option: str) -> str:
    """Check a text as the product checks this variable, and return it without outer spaces.

    Raises ProvisionFailed, whose text begins with `option`.
    """
    given = text.strip()
    if not given:
        raise ProvisionFailed(f"{option} is empty.", "Leave it out, or pass a value.")
    try:
        checked: str | tuple[str, ...] = _DECLARED[variable].kind(given)
    except ValueError as fault:
        raise ProvisionFailed(f"{option} {fault}.") from None
    return given if isinstance(checked, tuple) else checked


def check_written(values: Mapping[str, str]) -> None:
    """Check each value that is about to be stored. Raises ProvisionFailed."""
    for variable, value in values.items():
        if value != NOT_YET:
            check_text(variable, value, option=variable)


def check_start(known: Mapping[str, str], *, place: str, on_aws: bool) -> None:
    """Check that the product will start with the settings that are `known`.

    `place` is where they are. Raises ProvisionFailed.
    """
    pending = {**_PENDING, **({} if on_aws else _LOCAL)}
    declared = {name: value for name, value in known.items() if name in _DECLARED}
    try:
        Settings.from_environment({**declared, **pending}, needs_app_secret=False)
    except SettingsInvalid as faults:
        raise ProvisionFailed(
            f"The product does not start with the settings in {place}: {faults}.",
            "Correct them there first.",
        ) from None
