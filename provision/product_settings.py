"""The product's own checks of settings, made before `setup` writes any."""

from collections.abc import Mapping
from typing import Final

from provision.errors import ProvisionFailed
from provision.run import NOT_YET
from shared.environment import declarations
from shared.errors import SettingsInvalid
from shared.settings import Settings

_DECLARED: Final = declarations(Settings)
_PENDING: Final[Mapping[str, str]] = {
    "LOGTO_APP_ID": "pending",
    "LOGTO_APP_SECRET": "pending",
    "LOGTO_WEBHOOK_SIGNING_KEY": "pending",
    "TABLE_NAME": "pending",
}
"""Valid values for what `setup` or the deployment fills in."""
_ON_AWS: Final = ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY")
"""Variables that a stack has no parameter for: its secrets are read by their ARN."""


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
    pending = {n: v for n, v in _PENDING.items() if not (on_aws and n in _ON_AWS)}
    declared = {name: value for name, value in known.items() if name in _DECLARED}
    try:
        Settings.from_environment({**declared, **pending}, needs_app_secret=False)
    except SettingsInvalid as faults:
        raise ProvisionFailed(
            f"The product does not start with the settings in {place}: {faults}.",
            "Correct them there first.",
        ) from None
