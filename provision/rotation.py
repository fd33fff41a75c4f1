"""Replace the application's secret, with no sign-in lost.

Both secrets are valid until every process has the new one. Each step can be the last one that is
carried out: the record says how far a rotation has come, and the next run finishes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from provision.errors import ProvisionFailed
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.record import RecordedRotation
from provision.run import NOT_YET, Change, Run
from provision.settings_left import PlacedSettings
from provision.steps.application import valid_secrets
from shared.limits import Limits

WHAT: Final = "application secret at Logto"
STACK_SECONDS: Final = Limits().secret_cache_seconds + 60
"""The time after which every process of a stack has read the stored secret again."""
ENV_FILE_SECONDS: Final = 30
"""The time in which `make up`, which sees that `.env` has changed, starts again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RotationServices:
    """What a rotation works with. `wait_seconds` is None to stop before the old secret goes."""

    api: LogtoApi
    store: PlacedSettings
    clock: Callable[[], float]
    wait_seconds: float | None


def rotate(run: Run, services: RotationServices) -> None:
    """Add a secret, store it, wait until every process has it, and remove the old one.

    Raises ProvisionFailed.
    """
    application = _application(services)
    valid = valid_secrets(services.api, application["id"], now=services.clock())
    rotation = run.record.rotation
    if rotation is None or rotation.application != application["id"]:
        rotation = _begin(run, services, application, valid)
    new = _added(run, services, application, valid, rotation)
    if services.store.secret() != new:
        services.store.store_app_secret(run, new)
        rotation.stored_at = None
    if rotation.stored_at is None:
        rotation.stored_at = services.clock()
        run.save_record()
    if services.wait_seconds is None:
        run.notes.append(
            f"The application has two valid secrets, and the new one is stored. Run `setup "
            "rotate-secret` again in an hour or later: it removes the old one, "
            f"{rotation.old}, when every process has the new one."
        )
        return
    _wait(run, rotation.stored_at + services.wait_seconds - services.clock())
    if any(one["name"] == rotation.old for one in valid):
        change = _change(application, "remove", rotation.old)
        run.apply(
            change,
            lambda: services.api.delete_application_secret(application["id"], rotation.old),
        )
    run.record.rotation = None
    run.save_record()


def _application(services: RotationServices) -> Json:
    identifier = services.store.effective().get("LOGTO_APP_ID")
    for application in services.api.applications():
        if application["id"] == identifier:
            return application
    raise ProvisionFailed(
        f"Logto has no application with the id {identifier or '(none)'} of the settings in "
        f"{services.store.place}.",
        "Run setup first.",
    )


def _begin(
    run: Run, services: RotationServices, application: Json, valid: list[Json]
) -> RecordedRotation:
    """Record the names of both secrets before the new one is made."""
    stored = services.store.secret()
    old = next((str(one["name"]) for one in valid if one["value"] == stored), None)
    if old is None:
        raise ProvisionFailed(
            "The stored secret is not a valid secret of the application.",
            "Run setup again, which stores one that is.",
        )
    moment = datetime.fromtimestamp(int(services.clock()), UTC)
    new = f"setup {moment:%Y-%m-%d %H:%M:%S}"
    run.record.rotation = RecordedRotation(application=application["id"], old=old, new=new)
    run.save_record()
    return run.record.rotation


def _added(
    run: Run,
    services: RotationServices,
    application: Json,
    valid: list[Json],
    rotation: RecordedRotation,
) -> str:
    """Return the new secret, which an earlier run may have added. NOT_YET in a dry run."""
    for one in valid:
        if one["name"] == rotation.new:
            return str(one["value"])
    added = run.apply(
        _change(application, "add", rotation.new),
        lambda: services.api.create_application_secret(application["id"], rotation.new),
    )
    return NOT_YET if added is None else str(added["value"])


def _wait(run: Run, seconds: float) -> None:
    if run.dry_run or seconds <= 0:
        return
    minutes = max(1, round(seconds / 60))
    with run.progress(f"waiting {minutes} min until every process has the new secret"):
        run.pause(seconds)


def _change(application: Json, action: str, secret: str) -> Change:
    name = str(application.get("name"))
    return Change(what=WHAT, action=action, detail=secret, name=name, id=application["id"])
