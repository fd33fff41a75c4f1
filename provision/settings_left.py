"""Settings that still name what a teardown has removed.

The record lists what `setup` wrote. If it is lost, or somebody has copied a setting, one is left.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from provision.run import Run
from provision.settings_store import SECRETS, SettingsStore, parameter_of

_SECRETS = (*SECRETS, *map(parameter_of, SECRETS))


class PlacedSettings(SettingsStore, Protocol):
    """A store that can list the settings which it holds. `place` is what to call it."""

    @property
    def place(self) -> str: ...

    def effective(self) -> dict[str, str]:
        """Return the settings of the next start, by variable. Raises ProvisionFailed."""

    def store_app_secret(self, run: Run, secret: str) -> None:
        """Store another secret of the application. Raises ProvisionFailed."""

    def places(self) -> Mapping[str, Mapping[str, str]]:
        """Return settings by name, and these by the place that holds them.

        Raises ProvisionFailed.
        """


def note_settings_left(
    run: Run, store: PlacedSettings, *, removed: Collection[str], endpoint: str
) -> None:
    """Note each place that still has the id of something `removed`. Raises ProvisionFailed."""
    cleared = {
        (change.what, value.name)
        for change in run.changes
        for value in change.values
        if value.after is None
    }
    for place, settings in store.places().items():
        left = {n: v for n, v in settings.items() if (place, n) not in cleared}
        names = [name for name, value in left.items() if value in removed]
        if any(name in ("LOGTO_APP_ID", "LogtoAppId") for name in names):
            # They are of no use without the application.
            names += [name for name in left if name in _SECRETS]
            names += [name for name, value in left.items() if value == endpoint]
        if names:
            run.notes.append(
                f"{place} still has {', '.join(names)}, for what is removed. Remove them there, or "
                "run setup again."
            )
