"""`parameter_overrides` of `samconfig.toml`, in every form that the SAM CLI reads.

A text of `Name=value` pairs, or of `ParameterKey=Name,ParameterValue=value`; a table; the address
of a file, `file://params.yaml`; and a list of these, in which a later entry wins over an earlier
one. What `setup` does not change stays as it is written.
Source: `samcli.cli.types.CfnParameterOverridesType` of the SAM CLI 1.170.

This parser is needed because the SAM CLI has no separate place for parameters: a file is one more
form of this one value, and `setup` must read the value to keep a name that somebody has chosen,
to change nothing the second time, and to remove only what it wrote itself.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

from provision.errors import ProvisionFailed

_KEY: Final = r"""([A-Za-z0-9"']+)"""
_VALUE: Final = r"""("(?:\\.|[^"\\]+)*"|'(?:\\.|[^'\\]+)*'|(?:\\.|[^ "\\]+)+)"""
_LONG: Final = re.compile(f"ParameterKey={_KEY},ParameterValue={_VALUE}")
_SHORT: Final = re.compile(f"(?<= ){_KEY}={_VALUE}")
_FILE: Final = "file://"
_INCLUDE: Final = "$include"
_SIMPLE: Final = re.compile(r"""[^ "'\\]+""")


def read_overrides(value: Any) -> dict[str, str]:
    """Return the parameters in a value; files are not followed. Raises ProvisionFailed."""
    if isinstance(value, Mapping):
        return {str(n): _text_of(v) for n, v in value.items() if n != _INCLUDE}
    if isinstance(value, list):
        found: dict[str, str] = {}
        for entry in value:
            found |= read_overrides(entry)
        return found
    return {} if value is None or _is_file(value) else dict(_pairs(value))


def changed_overrides(value: Any, changes: Mapping[str, str | None]) -> Any:
    """Return the value with parameters set, or removed if they are None; None if nothing is left.

    Raises ProvisionFailed.
    """
    changed = _changed(copy.deepcopy(value), changes)
    desired = {name: value for name, value in changes.items() if value is not None}
    try:
        written = read_overrides(changed)
    except ProvisionFailed:
        written = {}
    # The SAM CLI's syntax cannot express every value: reading back finds those that it cannot.
    wrong = [name for name, value in desired.items() if written.get(name) != value]
    if wrong:
        raise ProvisionFailed(
            f"{wrong[0]} cannot be written to parameter_overrides as the SAM CLI reads it.",
            "Choose another value, without backslashes.",
        )
    return changed or None


def _changed(value: Any, changes: Mapping[str, str | None]) -> Any:
    if isinstance(value, Mapping):
        return _changed_table(value, changes)
    if isinstance(value, list) or (value is not None and _is_file(value)):
        # A later entry wins, over files too, so the new ones go to the end.
        entries = value if isinstance(value, list) else [value]
        _drop(entries, changes)
        entries += [_pair(n, v, plain=True) for n, v in changes.items() if v is not None]
        return entries
    return _changed_text("" if value is None else value, changes)


def _changed_table(table: Any, changes: Mapping[str, str | None]) -> Any:
    for name, value in changes.items():
        if value is None or _INCLUDE in table:
            table.pop(name, None)  # set again below, it comes after the include and so wins
        if value is not None:
            table[name] = value if _unquoted(value) == value else _quoted(value)
    return table


def _drop(entries: Any, names: Mapping[str, str | None]) -> None:
    """Remove parameters from the entries of a list, and entries that get empty."""
    for position in reversed(range(len(entries))):
        entry = entries[position]
        if isinstance(entry, list):
            _drop(entry, names)
        elif isinstance(entry, Mapping):
            _changed_table(entry, dict.fromkeys(names))
        elif not _is_file(entry) and not names.keys().isdisjoint(read_overrides(entry)):
            entries[position] = _changed_text(entry, dict.fromkeys(names))
        if not entries[position]:
            del entries[position]


def _changed_text(text: str, changes: Mapping[str, str | None]) -> str:
    pattern = _pattern(text)
    left = dict(changes)

    def replaced(found: re.Match[str]) -> str:
        name = _unquoted(found[1])
        if name not in changes:
            return found[0]
        left.pop(name, None)
        value = changes[name]
        return "" if value is None else _pair(name, value, long=pattern is _LONG)

    kept = [pattern.sub(replaced, f" {text.strip()}").strip()]
    kept += [_pair(n, v, long=pattern is _LONG) for n, v in left.items() if v is not None]
    return " ".join(pair for pair in kept if pair)


def _pairs(text: str) -> list[tuple[str, str]]:
    found = _pattern(text).findall(f" {text.strip()}")
    return [(_unquoted(name), _unquoted(value)) for name, value in found]


def _pattern(text: Any) -> re.Pattern[str]:
    """Return the form of a text: if one pair is in the long form, short ones do not count."""
    if isinstance(text, str):
        given = f" {text.strip()}"
        for pattern in (_LONG, _SHORT):
            if pattern.search(given):
                return pattern
        if not given.strip():
            return _SHORT
    raise ProvisionFailed(
        "parameter_overrides in samconfig.toml is not a valid value for the SAM CLI.",
        "Repair it first.",
    )


def _is_file(entry: Any) -> bool:
    return isinstance(entry, str) and entry.startswith(_FILE)


def _pair(name: str, value: str, *, long: bool = False, plain: bool = False) -> str:
    written = value if plain and _SIMPLE.fullmatch(value) else _quoted(value)
    return f"ParameterKey={name},ParameterValue={written}" if long else f"{name}={written}"


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'


def _text_of(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one).strip() for one in value if one not in (None, ""))
    return _unquoted(str(value))


def _unquoted(text: str) -> str:
    if text and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text.replace("\\ ", " ").replace('\\"', '"').replace("\\'", "'")
