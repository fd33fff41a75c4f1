"""Where the product finds its application: a stack's secrets and parameters, or `.env`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provision import files
from provision.desired import DEFAULT_NAME
from provision.run import Change, Run
from provision.stack import StoredText

SECRETS = ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY")

_DEPLOY = "Run `sam deploy` now: the stack has yet to get its new parameters."


class Store(Protocol):
    """A place for settings."""

    def secret(self) -> str | None:
        """The application's secret as it is stored. Raises ProvisionFailed."""

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        """Store these variables. Raises ProvisionFailed."""

    def clear(self, run: Run, name: str, value: str) -> None:
        """Take a variable away where it has this value. Raises ProvisionFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvFile:
    """A `.env` file for `make up`."""

    path: Path

    def secret(self) -> str | None:
        return files.read_env(self.path).get("LOGTO_APP_SECRET")

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        there = files.read_env(self.path)
        differing = _differing(there, values, name="BRAND_NAME")
        if not differing:
            return
        files.check_writable(self.path)
        change = Change(what=str(self.path), action="write", detail=", ".join(differing))
        run.change(change, lambda: files.write_env(self.path, differing))
        run.record.env_file = str(self.path.resolve())
        run.record.written_env |= {n: v for n, v in differing.items() if n not in SECRETS}
        run.remember()

    def clear(self, run: Run, name: str, value: str) -> None:
        if files.read_env(self.path).get(name) == value:
            change = Change(what=str(self.path), action="write", detail=f"without {name}")
            run.change(change, lambda: files.write_env(self.path, {name: None}))
            run.record.written_env.pop(name, None)
            run.notes.append(f"{name} was {value}, and is not set any more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class StackStore:
    """The secrets of a stack, and the parameters of its next deployment."""

    app_secret: StoredText | None
    signing_key: StoredText | None
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

    def clear(self, run: Run, name: str, value: str) -> None:
        parameter = _parameter(name)
        there = files.read_parameters(self.samconfig, self.config_env).get(parameter)
        deployed = self.deployed.get(parameter) == value
        if there == value or (there is None and deployed):
            # A parameter that is not named keeps the value that the stack has.
            left = {parameter: "" if deployed else None}
            files.check_writable(self.samconfig)
            change = Change(what=self.samconfig.name, action="write", detail=f"without {parameter}")
            run.change(
                change, lambda: files.write_parameters(self.samconfig, self.config_env, left)
            )
            run.record.written.pop(parameter, None)
            run.notes.append(f"{parameter} was {value}, and is not set any more.")
        if deployed:
            run.notes.append(_DEPLOY)

    def _ensure_secret(
        self, run: Run, name: str, store: StoredText | None, secret: str | None
    ) -> None:
        if store is None or secret is None:
            run.notes.append(f"{name} was not stored: the stack names no secret for it.")
        elif store.read() != secret:
            change = Change(what="secret on AWS", action="write", detail=name)
            run.change(change, lambda: store.write(secret))

    def _ensure_parameters(self, run: Run, values: Mapping[str, str]) -> None:
        wanted = {_parameter(name): v for name, v in values.items() if name not in SECRETS}
        there = files.read_parameters(self.samconfig, self.config_env)
        differing = _differing(there, wanted, name="BrandName")
        if differing:
            change = Change(what=self.samconfig.name, action="write", detail=", ".join(differing))
            files.check_writable(self.samconfig)
            files.with_parameters(self.samconfig, self.config_env, differing)  # a plan fails, too
            run.change(
                change, lambda: files.write_parameters(self.samconfig, self.config_env, differing)
            )
            run.record.samconfig = str(self.samconfig.resolve())
            run.record.config_env = self.config_env
            run.record.written |= differing
            run.remember()
        if _differing(self.deployed, wanted, name="BrandName"):
            run.notes.append(_DEPLOY)


def _differing(there: Mapping[str, str], wanted: Mapping[str, str], *, name: str) -> dict[str, str]:
    """What has to be written; the `name` of the product stays where somebody has chosen it."""
    chosen = there.get(name, DEFAULT_NAME) != DEFAULT_NAME
    return {n: v for n, v in wanted.items() if there.get(n) != v and not (chosen and n == name)}


def _parameter(variable: str) -> str:
    """The parameter of `template.yaml` for a variable."""
    return "".join(word.capitalize() for word in variable.split("_"))
