"""What a check says."""

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    """`unknown` is what could not be checked with what was given."""

    PASS = "pass"  # noqa: S105 - a word
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`seen` is what was found, `fix` what to do about it; neither holds a secret."""

    check: str
    status: Status
    seen: str
    fix: str = ""


def passed(check: str, seen: str) -> Finding:
    return Finding(check=check, status=Status.PASS, seen=seen)


def warned(check: str, seen: str, fix: str) -> Finding:
    return Finding(check=check, status=Status.WARN, seen=seen, fix=fix)


def failed(check: str, seen: str, fix: str) -> Finding:
    return Finding(check=check, status=Status.FAIL, seen=seen, fix=fix)


def unknown(check: str, why: str) -> Finding:
    return Finding(check=check, status=Status.UNKNOWN, seen=why)
