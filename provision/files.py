"""The two files that `setup` writes: `.env` for a laptop, `samconfig.toml` for the SAM CLI.

A file is replaced as a whole, so it is never half written. Everything else in it stays, comments
included.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

import tomlkit
from dotenv import dotenv_values
from tomlkit.exceptions import TOMLKitError

from provision.errors import ProvisionFailed
from provision.overrides import changed_overrides, read_overrides

OWNER_ONLY: Final = 0o600
_OVERRIDES: Final = "parameter_overrides"
_LINE: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]+")


def read_env(path: Path) -> dict[str, str]:
    """Read the variables of a `.env` file; none if there is no file. Raises ProvisionFailed."""
    found = dotenv_values(stream=StringIO(_text(path)))
    return {name: value for name, value in found.items() if value is not None}


def write_env(path: Path, changes: Mapping[str, str | None]) -> None:
    """Set variables, and remove those that are None. Only the owner can read the file then.

    Raises ProvisionFailed.
    """
    left = dict(changes)
    written: list[str] = []
    for line in _text(path).splitlines():
        found = _LINE.match(line)
        name = found[1] if found else ""
        if name not in changes:
            written.append(line)
        elif (value := left.pop(name, None)) is not None:
            written.append(f"{name}={_quoted(value)}")
    written += [f"{name}={_quoted(value)}" for name, value in left.items() if value is not None]
    _replace(path, "".join(f"{line}\n" for line in written), mode=OWNER_ONLY)


def read_parameters(path: Path, environment: str) -> dict[str, str]:
    """Read the `parameter_overrides` of `sam deploy`. Raises ProvisionFailed."""
    return read_overrides(_overrides(_read_toml(path), environment))


def write_parameters(path: Path, environment: str, changes: Mapping[str, str | None]) -> None:
    """Set parameters of `sam deploy`, and remove those that are None. Raises ProvisionFailed."""
    _replace(path, with_parameters(path, environment, changes), mode=None)


def with_parameters(path: Path, environment: str, changes: Mapping[str, str | None]) -> str:
    """Return the text that `write_parameters` writes. Raises ProvisionFailed."""
    document = _read_toml(path)
    changed = changed_overrides(_overrides(document, environment), changes)
    section = _section(document, environment, "deploy", make=True)
    if changed is None:
        section.pop(_OVERRIDES, None)
    else:
        section[_OVERRIDES] = changed
    return tomlkit.dumps(document)


def deploy_default(path: Path, environment: str, name: str) -> str | None:
    """Return the default of an option of `sam deploy`, such as `stack_name`, in `samconfig.toml`.

    Raises ProvisionFailed.
    """
    if not path.exists():
        return None
    document = _read_toml(path)
    for command in ("deploy", "global"):
        value = _section(document, environment, command).get(name)
        if isinstance(value, str):
            return value
    return None


def check_writable(path: Path) -> None:
    """Check, before anything changes, that the file can be written. Raises ProvisionFailed."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise _unwritable(path)


def _overrides(document: Any, environment: str) -> Any:
    """Find the value as the SAM CLI does: that of all commands counts if `deploy` has none."""
    for command in ("deploy", "global"):
        section = _section(document, environment, command)
        if _OVERRIDES in section:
            return section[_OVERRIDES]
    return None


def _text(path: Path) -> str:
    """Return a file's text; empty if there is no file."""
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError:
        raise ProvisionFailed(f"{path} is not valid UTF-8.", "Repair it first.") from None
    except OSError as failure:
        raise ProvisionFailed(f"{path} cannot be read ({failure.strerror}).") from None


def _read_toml(path: Path) -> Any:
    text = _text(path)
    try:
        return tomlkit.parse(text)
    except TOMLKitError:
        raise ProvisionFailed(f"{path.name} is not valid TOML.", "Repair it first.") from None


def _section(document: Any, environment: str, command: str, *, make: bool = False) -> Any:
    """Return the options of a command; an empty table if there are none."""
    section: Any = document
    for name in (environment, command, "parameters"):
        if name not in section:
            if not make:
                return tomlkit.table()
            section[name] = tomlkit.table(is_super_table=name != "parameters")
        section = section[name]
        if not isinstance(section, Mapping):
            raise ProvisionFailed(
                f"{name} in samconfig.toml is not a valid table.", "Repair it first."
            )
    return section


def _replace(path: Path, text: str, *, mode: int | None) -> None:
    """Replace the file by one with this text. `mode` None keeps the permissions.

    The new file is private from the start, so a secret in it is never readable by others.
    """
    before = path.stat().st_mode & 0o777 if path.exists() else 0o644
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError:
        raise _unwritable(path) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(unfinished).chmod(before if mode is None else mode)
        os.replace(unfinished, path)
    except OSError as failure:
        Path(unfinished).unlink(missing_ok=True)
        raise ProvisionFailed(f"{path} cannot be written ({failure.strerror}).") from None
    except BaseException:  # Ctrl-C leaves no copy of a secret behind
        Path(unfinished).unlink(missing_ok=True)
        raise


def _unwritable(path: Path) -> ProvisionFailed:
    return ProvisionFailed(f"{path} cannot be written.", "Check the folder.")


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "\\'") + "'"
