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
from dotenv.parser import Binding, parse_stream
from tomlkit.exceptions import TOMLKitError

from provision.errors import FileMalformed, ProvisionFailed
from provision.overrides import changed_overrides, read_overrides
from provision.text_file import read_text_file

OWNER_ONLY: Final = 0o600
_OVERRIDES: Final = "parameter_overrides"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_UNWRITABLE: Final = re.compile(r"[\0\r\n\ud800-\udfff]")
"""Line breaks, what no variable can hold, and what stands for a byte that is not text."""


def read_env(path: Path) -> dict[str, str]:
    """Read the variables of a `.env` file; none if there is no file. Raises ProvisionFailed.

    Values are taken as they are written: `${HOME}` in one stays `${HOME}`.
    """
    return {one.key: one.value for one in _bindings(path) if one.key and one.value is not None}


def write_env(path: Path, changes: Mapping[str, str | None]) -> None:
    """Set variables, and remove those that are None. Only the owner can read the file then.

    Raises ProvisionFailed.
    """
    _replace(path, with_env(path, changes), mode=OWNER_ONLY)


def with_env(path: Path, changes: Mapping[str, str | None]) -> str:
    """Return the text that `write_env` writes. Raises ProvisionFailed."""
    left = dict(changes)
    written = ""
    for one in _bindings(path):
        line = one.original.string
        if one.key is None or one.key not in changes:
            written += line
            continue
        written += _blank_lines(line)
        if (value := left.pop(one.key, None)) is not None:
            written += _assignment(path, one.key, value)
    if written and not written.endswith("\n"):
        written += "\n"
    return written + "".join(_assignment(path, n, v) for n, v in left.items() if v is not None)


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
    folder = path.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
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
    return read_text_file(path, optional=True).text


def _bindings(path: Path) -> list[Binding]:
    """Parse a `.env` file into its assignments and comments, each with its own text."""
    found = list(parse_stream(StringIO(_text(path))))
    for one in found:
        if one.error:
            number = one.original.line + _blank_lines(one.original.string).count("\n")
            raise FileMalformed(f"Line {number} of {path} is not NAME=value.", "Repair it first.")
    return found


def _blank_lines(text: str) -> str:
    """Return the blank lines that a text begins with."""
    blank = text[: len(text) - len(text.lstrip())]
    return blank[: blank.rfind("\n") + 1]


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

    The new file is private from the start, so a secret in it is never readable by others. A link
    stays one, and the file that it leads to is replaced.
    """
    target = path.resolve()
    raw = read_text_file(target, optional=True).encoded(text)
    before = target.stat().st_mode & 0o777 if target.exists() else 0o644
    try:
        handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError:
        raise _unwritable(path) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        Path(unfinished).chmod(before if mode is None else mode)
        os.replace(unfinished, target)
    except OSError as failure:
        Path(unfinished).unlink(missing_ok=True)
        raise ProvisionFailed(f"{path} cannot be written ({failure.strerror}).") from None
    except BaseException:  # Ctrl-C leaves no copy of a secret behind
        Path(unfinished).unlink(missing_ok=True)
        raise


def _unwritable(path: Path) -> ProvisionFailed:
    return ProvisionFailed(f"{path} cannot be written.", "Check the folder.")


def _assignment(path: Path, name: str, value: str) -> str:
    """Write a variable as one line that is read back unchanged. Raises ProvisionFailed."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    line = f"{name}={value}\n" if _PLAIN.fullmatch(value) else f"{name}='{escaped}'\n"
    read = [(one.key, one.value) for one in parse_stream(StringIO(line))]
    if read != [(name, value)] or _UNWRITABLE.search(value):
        raise ProvisionFailed(
            f"{name} cannot be written to {path}: it has a line break or a character that is not "
            "text.",
            "Choose another value.",
        )
    return line
