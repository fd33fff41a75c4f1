"""The two files that `setup` writes: `.env` for a laptop, `samconfig.toml` for the SAM CLI.

Both are written whole or not at all, and what else is in them stays, comments too.
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
    """The variables of a `.env` file; none where there is no file. Raises ProvisionFailed."""
    found = dotenv_values(stream=StringIO(_text(path)))
    return {name: value for name, value in found.items() if value is not None}


def write_env(path: Path, changes: Mapping[str, str | None]) -> None:
    """Set variables, remove those that are None, and let nobody else read the file.

    Raises ProvisionFailed.
    """
    lines = _text(path).splitlines()
    left = dict(changes)
    written: list[str] = []
    for line in lines:
        found = _LINE.match(line)
        name = found[1] if found else ""
        if name not in changes:
            written.append(line)
        elif (value := left.pop(name, None)) is not None:
            written.append(f"{name}={_quoted(value)}")
    written += [f"{name}={_quoted(value)}" for name, value in left.items() if value is not None]
    _replace(path, "".join(f"{line}\n" for line in written), mode=OWNER_ONLY)


def read_parameters(path: Path, environment: str) -> dict[str, str]:
    """The `parameter_overrides` of `sam deploy`. Raises ProvisionFailed."""
    return read_overrides(_overrides(_read_toml(path), environment))


def write_parameters(path: Path, environment: str, changes: Mapping[str, str | None]) -> None:
    """Set parameters of `sam deploy`, and remove those that are None. Raises ProvisionFailed."""
    _replace(path, with_parameters(path, environment, changes), mode=None)


def with_parameters(path: Path, environment: str, changes: Mapping[str, str | None]) -> str:
    """The text that `write_parameters` writes. Raises ProvisionFailed."""
    document = _read_toml(path)
    changed = changed_overrides(_overrides(document, environment), changes)
    section = _section(document, environment, "deploy", make=True)
    if changed is None:
        section.pop(_OVERRIDES, None)
    else:
        section[_OVERRIDES] = changed
    return tomlkit.dumps(document)


def deploy_default(path: Path, environment: str, name: str) -> str | None:
    """What `samconfig.toml` says of an option of `sam deploy`, such as `stack_name` or `region`.

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


def _overrides(document: Any, environment: str) -> Any:
    """As the SAM CLI finds them: those of all commands count where `deploy` has none."""
    for command in ("deploy", "global"):
        section = _section(document, environment, command)
        if _OVERRIDES in section:
            return section[_OVERRIDES]
    return None


def check_writable(path: Path) -> None:
    """Before anything is changed: the file can be written later. Raises ProvisionFailed."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ProvisionFailed(f"{path} cannot be written: check the folder")


def _text(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError:
        raise ProvisionFailed(f"{path} is no text in UTF-8: mend it first") from None
    except OSError as failure:
        raise ProvisionFailed(f"{path} cannot be read ({failure.strerror})") from None


def _read_toml(path: Path) -> Any:
    text = _text(path)
    try:
        return tomlkit.parse(text)
    except TOMLKitError:
        raise ProvisionFailed(f"{path.name} cannot be read as TOML: mend it first") from None


def _section(document: Any, environment: str, command: str, *, make: bool = False) -> Any:
    """The options of a command; an empty table where there are none."""
    section: Any = document
    for name in (environment, command, "parameters"):
        if name not in section:
            if not make:
                return tomlkit.table()
            section[name] = tomlkit.table(is_super_table=name != "parameters")
        section = section[name]
        if not isinstance(section, Mapping):
            raise ProvisionFailed(f"{name} in samconfig.toml is no table: mend it first")
    return section


def _replace(path: Path, text: str, *, mode: int | None) -> None:
    """The file with this text, never half of it; a secret is never readable for others."""
    before = path.stat().st_mode & 0o777 if path.exists() else 0o644
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError:
        raise ProvisionFailed(f"{path} cannot be written: check the folder") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(unfinished).chmod(before if mode is None else mode)
        os.replace(unfinished, path)
    except OSError as failure:
        Path(unfinished).unlink(missing_ok=True)
        raise ProvisionFailed(f"{path} cannot be written ({failure.strerror})") from None
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "\\'") + "'"
