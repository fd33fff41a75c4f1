"""The result of a check."""

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    """`unknown`: the options given did not suffice to check it."""

    PASS = "pass"  # noqa: S105 - a word
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`found` is what a check observed, `fix` what to do about it. Neither holds a secret."""

    check: str
    status: Status
    found: str
    fix: str = ""


def passed(check: str, found: str) -> Finding:
    return Finding(check=check, status=Status.PASS, found=found)


def warned(check: str, found: str, fix: str) -> Finding:
    return Finding(check=check, status=Status.WARN, found=found, fix=fix)


def failed(check: str, found: str, fix: str) -> Finding:
    return Finding(check=check, status=Status.FAIL, found=found, fix=fix)


def unknown(check: str, reason: str) -> Finding:
    return Finding(check=check, status=Status.UNKNOWN, found=reason)
