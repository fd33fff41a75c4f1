"""Declare settings as fields of a dataclass, and read them from environment variables.

A declaration describes its setting completely: the reader, the README's table and the tests of
`template.yaml` use it. The variable has the field's name, in capitals.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, NamedTuple, dataclass_transform

from shared.errors import SettingsInvalid
from shared.parsing.urls import check_base

type Check = Callable[[str], str]
"""Return the value to use. Raises ValueError with a text that follows the variable's name, such
as `must begin with https://`, and never contains the value: it may be a secret."""
type Report = Callable[[str], None]
"""Report a fault, as text that follows the variable's name and never contains the value."""
type Kind[T] = Callable[[str | None, Report], T | None]
"""Convert a variable (None if it is absent) to a value. Return None to use the default, also after
reporting a fault."""

_KEY = "setting"
_SCOPE = r"[\x21\x23-\x5B\x5D-\x7E]+"  # RFC 6749 section 3.3


class Declaration(NamedTuple):  # faster to define at each cold start than a dataclass
    """The properties of a setting besides its name and type."""

    kind: Kind[Any]
    default: Any
    parameter: str | None
    """The parameter of `template.yaml` that sets it."""
    meaning: str
    """Its purpose, for the README's table."""
    default_text: str | None
    """A description of the default, for the README's table; None to show the default itself."""
    fix: str | None
    """What to do if it is missing; None if it is optional."""


def setting[T, D](
    kind: Kind[T],
    *,
    default: D,
    parameter: str | None,
    meaning: str,
    default_text: str | None = None,
    secret: bool = False,
) -> T | D:
    """Declare an optional setting. A `secret` is left out of the object's repr."""
    declaration = Declaration(
        kind=kind,
        default=default,
        parameter=parameter,
        meaning=meaning,
        default_text=default_text,
        fix=None,
    )
    return field(default=default, repr=not secret, metadata={_KEY: declaration})


def required(
    kind: Kind[str],
    *,
    fix: str,
    parameter: str | None,
    meaning: str,
    default_text: str = "required",
) -> str:
    """Declare a required setting; `fix` says what to do if it is missing."""
    declaration = Declaration(
        kind=kind,
        default="",  # a placeholder until the faults are raised
        parameter=parameter,
        meaning=meaning,
        default_text=default_text,
        fix=fix,
    )
    declared: str = field(metadata={_KEY: declaration})
    return declared


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(setting, required)
)
def declares_settings[C](cls: type[C]) -> type[C]:
    """Make a frozen dataclass of fields that `setting` and `required` declare."""
    return dataclass(frozen=True, kw_only=True, slots=True)(cls)


def declarations(cls: type[Any]) -> dict[str, Declaration]:
    """Return the declarations of a class, by variable."""
    return {each.name.upper(): each.metadata[_KEY] for each in fields(cls)}


class Reader:
    """Reads variables, and collects faults instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: dict[str, None] = {}

    def read[C](self, cls: type[C]) -> C:
        """Read every setting that a class declares. The default stands in for an invalid one."""
        declared = declarations(cls).items()
        return cls(**{name.lower(): self._value(name, each) for name, each in declared})

    def _value(self, name: str, declaration: Declaration) -> Any:
        if declaration.fix is not None and not self.given(name):
            self.fault(f"{name} is missing: {declaration.fix}")
            return declaration.default
        value = declaration.kind(
            self._environment.get(name), lambda fault: self.fault(f"{name} {fault}")
        )
        return declaration.default if value is None else value

    def given(self, name: str) -> bool:
        """Return whether a variable is set and not empty, valid or not."""
        return bool(self._environment.get(name, "").strip())

    def fault(self, text: str) -> None:
        """Record a fault, once."""
        self._faults[text] = None

    def finish(self) -> None:
        """Raise SettingsInvalid if there were faults."""
        if self._faults:
            raise SettingsInvalid("; ".join(self._faults))


def text(check: Check) -> Kind[str]:
    """Read a text that passes `check`. An empty value counts as absent."""

    def read(given: str | None, report: Report) -> str | None:
        value = (given or "").strip()
        if not value:
            return None
        try:
            return check(value)
        except ValueError as fault:
            report(str(fault))
            return None

    return read


def seconds(least: int, most: int) -> Kind[int]:
    """Read whole seconds between two bounds, both allowed. An empty value counts as absent."""

    def read(given: str | None, report: Report) -> int | None:
        value = (given or "").strip()
        if not value:
            return None
        # The length comes first: int() refuses very long numbers with an error of its own.
        if value.isascii() and value.isdigit() and len(value) <= 12:
            number = int(value)
            if least <= number <= most:
                return number
        report(f"must be whole seconds from {least} to {most}")
        return None

    return read


def words(check: Check) -> Kind[tuple[str, ...]]:
    """Read distinct words that pass `check`, separated by spaces or commas.

    An empty value does not count as absent: it means no words, whatever the default is.
    """

    def read(given: str | None, report: Report) -> tuple[str, ...] | None:
        if given is None:
            return None
        found = tuple(dict.fromkeys(_split(given)))
        for word in found:
            try:
                check(word)
            except ValueError as fault:
                report(str(fault))
        return found

    return read


def mapping(check_name: Check, check_value: Check) -> Kind[Mapping[str, str]]:
    """Read words of the form `name=value` with distinct names, separated by spaces or commas."""

    def read(given: str | None, report: Report) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for word in _split(given or ""):
            name, separator, value = word.partition("=")
            try:
                if not separator or name in found:
                    raise ValueError("must contain words of the form name=value, each name once")
                found[check_name(name)] = check_value(value)
            except ValueError as fault:
                report(str(fault))
        return MappingProxyType(found)

    return read


def switch(given: str | None, report: Report) -> bool | None:
    """Read `true` or `false`, in any case. An empty value counts as absent."""
    value = (given or "").strip().lower()
    if value not in ("", "true", "false"):
        report("must be true or false")
    return {"true": True, "false": False}.get(value)


def _split(given: str) -> Iterable[str]:
    return given.replace(",", " ").split()


def matching(pattern: str, fault: str) -> Check:
    """Check that a value matches a pattern, which is compiled at its first use only."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(fault)
        return value

    return check


def printable(value: str) -> str:
    """Check a secret of Logto."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("contains a character that Logto's secrets never contain")
    return value


def short_text(value: str) -> str:
    """Check a name for display."""
    if len(value) > 80 or not value.isprintable():
        raise ValueError("must be at most 80 printable characters")
    return value


def indicator(value: str) -> str:
    """Check the indicator of an API resource."""
    if ":" not in value or "#" in value or not value.isascii() or not value.isprintable():
        raise ValueError("must contain absolute URIs without a fragment (RFC 8707 section 2)")
    return value


def https_url(value: str) -> str:
    """Check a URL that begins with https:// and may have a query."""
    head, separator, query = value.partition("?")
    checked = check_base(head)
    if not checked.startswith("https://") or '"' in query or not query.isascii():
        raise ValueError("must begin with https://")
    return checked + separator + query


scope = matching(_SCOPE, "must contain OAuth scopes (RFC 6749 section 3.3)")
