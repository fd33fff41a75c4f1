"""Where the product finds its settings: the secrets and parameters of a stack, or `.env`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provision import files
from provision.desired import DEFAULT_NAME
from provision.run import Change, Run, differences
from provision.stack import StoredSecret

SECRETS = ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY")

_DEPLOY = "Run `sam deploy` now, so that the stack gets its new parameters."


class SettingsStore(Protocol):
    """A place for the product's settings."""

    def secret(self) -> str | None:
        """Return the stored secret of the application. Raises ProvisionFailed."""

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        """Store these variables. Raises ProvisionFailed."""

    def clear(self, run: Run, name: str, value: str) -> None:
        """Remove a variable if it has this value. Raises ProvisionFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvFileStore:
    """A `.env` file for `make up`."""

    path: Path

    def secret(self) -> str | None:
        return files.read_env(self.path).get("LOGTO_APP_SECRET")

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        stored = files.read_env(self.path)
        differing = _differing(stored, values, name="BRAND_NAME")
        if not differing:
            return
        # Both fail in a dry run already, before the real run has made anything.
        files.check_writable(self.path)
        files.with_env(self.path, differing)
        change = Change(
            what=str(self.path),
            action="write",
            detail=", ".join(differing),
            values=differences(stored, differing, hidden=SECRETS),
        )
        run.apply(change, lambda: files.write_env(self.path, differing))
        run.record.env_file = str(self.path.resolve())
        run.record.written_env |= {n: v for n, v in differing.items() if n not in SECRETS}
        run.save_record()

    def store_app_secret(self, run: Run, secret: str) -> None:
        self.ensure(run, {SECRETS[0]: secret})

    @property
    def place(self) -> str:
        return str(self.path)

    def effective(self) -> dict[str, str]:
        return files.read_env(self.path)

    def places(self) -> Mapping[str, Mapping[str, str]]:
        return {str(self.path.resolve()): files.read_env(self.path)}

    def clear(self, run: Run, name: str, value: str) -> None:
        if files.read_env(self.path).get(name) == value:
            change = Change(
                what=str(self.path.resolve()),
                action="write",
                detail=f"without {name}",
                values=differences({name: value}, {name: None}),
            )
            run.apply(change, lambda: files.write_env(self.path, {name: None}))
            run.record.written_env.pop(name, None)
            run.notes.append(f"{name} was {value}, and is no longer set.")


@dataclass(frozen=True, kw_only=True, slots=True)
class StackStore:
    """The secrets of a stack, and the parameters of its next deployment."""

    app_secret: StoredSecret | None
    signing_key: StoredSecret | None
    samconfig: Path
    config_env: str
    deployed: Mapping[str, str]
    """The parameters that the stack has now."""

    def secret(self) -> str | None:
        return self.app_secret.read() if self.app_secret else None

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        for name, store in zip(SECRETS, (self.app_secret, self.signing_key), strict=True):
            self._ensure_secret(run, name, store, values.get(name))
        self._ensure_parameters(run, values)

    def store_app_secret(self, run: Run, secret: str) -> None:
        self._ensure_secret(run, SECRETS[0], self.app_secret, secret)

    @property
    def place(self) -> str:
        return self.samconfig.name

    def effective(self) -> dict[str, str]:
        written = files.read_parameters(self.samconfig, self.config_env)
        return {variable_of(name): value for name, value in {**self.deployed, **written}.items()}

    def places(self) -> Mapping[str, Mapping[str, str]]:
        written = files.read_parameters(self.samconfig, self.config_env)
        return {self.samconfig.name: written, "The deployed stack": self.deployed}

    def clear(self, run: Run, name: str, value: str) -> None:
        parameter = parameter_of(name)
        written = files.read_parameters(self.samconfig, self.config_env).get(parameter)
        is_deployed = self.deployed.get(parameter) == value
        if written == value or (written is None and is_deployed):
            # CloudFormation keeps the value of a parameter that a deployment omits, so a
            # deployed one is cleared with an empty value.
            changes = {parameter: "" if is_deployed else None}
            files.check_writable(self.samconfig)
            change = Change(
                what=self.samconfig.name,
                action="write",
                detail=f"without {parameter}",
                values=differences({parameter: value}, {parameter: None}),
            )
            run.apply(
                change, lambda: files.write_parameters(self.samconfig, self.config_env, changes)
            )
            run.record.written.pop(parameter, None)
            run.notes.append(f"{parameter} was {value}, and is no longer set.")
        if is_deployed:
            run.notes.append(_DEPLOY)

    def _ensure_secret(
        self, run: Run, name: str, store: StoredSecret | None, secret: str | None
    ) -> None:
        if store is None or secret is None:
            run.notes.append(f"{name} was not stored, because the stack has no secret for it.")
        elif store.read() != secret:
            change = Change(
                what="secret on AWS", action="write", detail=name, name=name, id=store.arn
            )
            run.apply(change, lambda: store.write(secret))

    def _ensure_parameters(self, run: Run, values: Mapping[str, str]) -> None:
        desired = {parameter_of(name): v for name, v in values.items() if name not in SECRETS}
        written = files.read_parameters(self.samconfig, self.config_env)
        differing = _differing(written, desired, name="BrandName")
        if differing:
            change = Change(
                what=self.samconfig.name,
                action="write",
                detail=", ".join(differing),
                values=differences(written, differing),
            )
            # Both fail in a dry run already, before the real run has made anything.
            files.check_writable(self.samconfig)
            files.with_parameters(self.samconfig, self.config_env, differing)
            run.apply(
                change, lambda: files.write_parameters(self.samconfig, self.config_env, differing)
            )
            run.record.samconfig = str(self.samconfig.resolve())
            run.record.config_env = self.config_env
            run.record.written |= differing
            run.save_record()
        if _differing(self.deployed, desired, name="BrandName"):
            run.notes.append(_DEPLOY)


def _differing(
    stored: Mapping[str, str], desired: Mapping[str, str], *, name: str
) -> dict[str, str]:
    """Return what has to be written. The product's name stays if somebody has chosen one."""
    chosen = stored.get(name, DEFAULT_NAME) != DEFAULT_NAME
    return {n: v for n, v in desired.items() if stored.get(n) != v and not (chosen and n == name)}


def parameter_of(variable: str) -> str:
    """Return the parameter of `template.yaml` for a variable: `LOGTO_APP_ID` is `LogtoAppId`."""
    return "".join(word.capitalize() for word in variable.split("_"))


def variable_of(parameter: str) -> str:
    """Return the variable of a parameter of `template.yaml`: `LogtoAppId` is `LOGTO_APP_ID`."""
    return "".join(f"_{c}" if c.isupper() else c for c in parameter).lstrip("_").upper()
