"""Reading variables one by one: every fault is collected, with its variable and its fix."""

import re
from collections.abc import Callable, Mapping

from shared.errors import SettingsInvalid
from shared.parsing.urls import check_base

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 section 3.3


class Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []

    def optional(self, name: str, check: Callable[[str], str]) -> str | None:
        value = self._environment.get(name, "").strip()
        if not value:
            return None
        try:
            return check(value)
        except ValueError as fault:
            self._faults.append(f"{name} {fault}")
            return None

    def required(self, name: str, check: Callable[[str], str], fix: str) -> str:
        if not self._environment.get(name, "").strip():
            self._faults.append(f"{name} is missing: {fix}")
        return self.optional(name, check) or ""

    def seconds(self, name: str, default: int, least: int, most: int) -> int:
        value = self._environment.get(name, "").strip()
        if not value:
            return default
        if value.isascii() and value.isdigit() and least <= int(value[:12]) <= most:
            return int(value)
        self._faults.append(f"{name} must be whole seconds from {least} to {most}")
        return default

    def words(
        self, name: str, default: tuple[str, ...], check: Callable[[str], str]
    ) -> tuple[str, ...]:
        """Words separated by spaces or commas, each once."""
        value = self._environment.get(name)
        if value is None:
            return default
        words = dict.fromkeys(value.replace(",", " ").split())
        for word in words:
            try:
                check(word)
            except ValueError as fault:
                self._faults.append(f"{name} {fault}")
        return tuple(words)

    def mapping(
        self, name: str, check_name: Callable[[str], str], check_value: Callable[[str], str]
    ) -> dict[str, str]:
        """Words of the form `name=value`, separated by spaces or commas, each name once."""
        found: dict[str, str] = {}
        for word in self._environment.get(name, "").replace(",", " ").split():
            left, separator, right = word.partition("=")
            try:
                if not separator or left in found:
                    raise ValueError("must hold words of the form name=value, each name once")
                found[check_name(left)] = check_value(right)
            except ValueError as fault:
                self._faults.append(f"{name} {fault}")
        return found

    def switch(self, name: str) -> bool:
        """`true` or `false`, the latter where it is not set."""
        value = self._environment.get(name, "").strip().lower()
        if value not in ("", "true", "false"):
            self._faults.append(f"{name} must be true or false")
        return value == "true"

    def given(self, name: str) -> bool:
        """Whether a variable is set, well or badly."""
        return bool(self._environment.get(name, "").strip())

    def fault(self, text: str) -> None:
        """Note what is wrong with several variables together."""
        self._faults.append(text)

    def finish(self) -> None:
        if self._faults:
            raise SettingsInvalid("; ".join(self._faults))


def matching(pattern: re.Pattern[str], fault: str) -> Callable[[str], str]:
    """A check that the whole value matches."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(fault)
        return value

    return check


def printable(value: str) -> str:
    """A secret of Logto."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("holds a character that a secret of Logto never holds")
    return value


def short_text(value: str) -> str:
    """A name to show."""
    if len(value) > 80 or not value.isprintable():
        raise ValueError("must be at most 80 printable characters")
    return value


def scope(value: str) -> str:
    """An OAuth scope."""
    if not _SCOPE.fullmatch(value):
        raise ValueError("holds a word that is no OAuth scope")
    return value


def indicator(value: str) -> str:
    """The indicator of an API resource."""
    if ":" not in value or "#" in value or not value.isascii() or not value.isprintable():
        raise ValueError("must hold absolute URIs without fragment (RFC 8707 section 2)")
    return value


def https_url(value: str) -> str:
    """A URL, query and all, that begins with https://."""
    head, separator, query = value.partition("?")
    checked = check_base(head)
    if not checked.startswith("https://") or '"' in query or not query.isascii():
        raise ValueError("must begin with https://")
    return checked + separator + query
