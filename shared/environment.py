"""Declare settings as fields of a dataclass, and read them from environment variables.

The reader, the README's table and the tests of `template.yaml` use a declaration. Its variable has
the field's name, in capitals.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, NamedTuple, dataclass_transform

from shared.errors import SettingsInvalid
from shared.parsing.urls import check_base

type Kind[T] = Callable[[str], T]
"""Convert a variable's text, which is stripped and not empty. Raises ValueError with a text that
follows the variable's name, such as `must begin with https://`, and never contains the value."""
type Check = Kind[str]

_KEY = "setting"
_UNSAFE = (
    # Controls; line separators and what changes the direction of text; byte order marks,
    # annotations and noncharacters; halves of characters. `template.yaml` has the same.
    r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_SCOPE = r"[\x21\x23-\x5B\x5D-\x7E]+"  # RFC 6749 section 3.3


class Declaration(NamedTuple):  # faster to define at each cold start than a dataclass
    """The properties of a setting besides its name and type."""

    kind: Kind[Any]
    meaning: str
    """Its purpose, for the README's table."""
    default: Any
    default_text: str | None
    """A description of the default, for the README's table; None to show the default itself."""
    fix: str | None
    """What to do if it is missing; None if it is optional."""
    has_parameter: bool
    """Whether a parameter of `template.yaml` sets it."""
    parameter: str | None = None
    """The parameter's name: the variable's, in Pascal case. Filled in by `declarations`."""


def setting[T, D](
    kind: Kind[T],
    meaning: str,
    *,
    default: D,
    default_text: str | None = None,
    secret: bool = False,
    has_parameter: bool = True,
) -> T | D:
    """Declare an optional setting. A `secret` has no parameter, and the object's repr omits it."""
    parameter = has_parameter and not secret
    declaration = Declaration(kind, meaning, default, default_text, None, parameter)
    return field(default=default, repr=not secret, metadata={_KEY: declaration})


def required(
    kind: Kind[str],
    meaning: str,
    *,
    fix: str,
    default_text: str = "required",
    has_parameter: bool = True,
) -> str:
    """Declare a required setting; `fix` says what to do if it is missing."""
    # The default is a placeholder until the faults are raised.
    declaration = Declaration(kind, meaning, "", default_text, fix, has_parameter)
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
    declared: dict[str, Declaration] = {f.name.upper(): f.metadata[_KEY] for f in fields(cls)}
    return {
        name: each._replace(parameter=name.title().replace("_", "") if each.has_parameter else None)
        for name, each in declared.items()
    }


class Reader:
    """Reads variables, and collects their faults instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: dict[str, None] = {}

    def read[C](self, cls: type[C]) -> C:
        """Read every setting that a class declares. The default stands in for an invalid one."""
        declared: Any = cls
        return cls(
            **{f.name: self._value(f.name.upper(), f.metadata[_KEY]) for f in fields(declared)}
        )

    def _value(self, name: str, declaration: Declaration) -> Any:
        given = self._environment.get(name)
        if given is not None and given.strip():
            try:
                return declaration.kind(given.strip())
            except ValueError as fault:
                self.fault(f"{name} {fault}")
        elif declaration.fix is not None:
            self.fault(f"{name} is missing: {declaration.fix}")
        elif given is not None and isinstance(declaration.default, tuple):
            return ()  # an empty list of words means no words, whatever the default is
        return declaration.default

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


def seconds(least: int, most: int) -> Kind[int]:
    """Read whole seconds between two bounds, both allowed."""

    def read(given: str) -> int:
        # The length comes first: int() refuses very long numbers with an error of its own.
        if given.isascii() and given.isdigit() and len(given) <= 12 and least <= int(given) <= most:
            return int(given)
        raise ValueError(f"must be whole seconds from {least} to {most}")

    return read


def words(check: Check) -> Kind[tuple[str, ...]]:
    """Read distinct words that pass `check`, separated by spaces or commas."""
    return lambda given: tuple(dict.fromkeys(check(word) for word in _split(given)))


def mapping(check_name: Check, check_value: Check) -> Kind[Mapping[str, str]]:
    """Read words of the form `name=value` with distinct names, separated by spaces or commas."""

    def read(given: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for word in _split(given):
            name, separator, value = word.partition("=")
            if not separator or name in found:
                raise ValueError("must contain words of the form name=value, each name once")
            found[check_name(name)] = check_value(value)
        return MappingProxyType(found)

    return read


def switch(given: str) -> bool:
    """Read `true` or `false`, in any case."""
    if given.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return given.lower() == "true"


def _split(given: str) -> list[str]:
    return given.replace(",", " ").split()


def matching(pattern: str, fault: str) -> Check:
    """Check that a value matches a pattern, which is compiled at its first use only."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(fault)
        return value

    return check


def short_text(value: str) -> str:
    """Check a name for display, in any script and with any kind of space and joiner."""
    if len(value) > 80 or re.search(_UNSAFE, value):
        raise ValueError(
            "must be at most 80 characters, without line breaks, control characters and characters "
            "that change the direction of text"
        )
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
printable = matching(r"[ -~]+", "contains a character that Logto's secrets never contain")
