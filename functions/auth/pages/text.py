"""Format initials and times for the pages."""

import unicodedata
from datetime import UTC, datetime


def initials(name: str) -> str | None:
    """Return the initials of the first and last word; None if no word begins with a letter.

    Digits count as letters. Scripts without capitals get one: two would be joined (Arabic) or read
    as a word (Han).
    """
    heads = [word[0] for word in unicodedata.normalize("NFC", name).split() if word[0].isalnum()]
    if not heads:
        return None
    first, last = _capital(heads[0]), _capital(heads[-1])
    cased = first != first.lower() and last != last.lower()
    return first + last if len(heads) > 1 and cased else first


def readable_time(moment: datetime) -> str:
    """Format a time for people: `7 January 2026, 09:05 UTC`."""
    return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def machine_time(moment: datetime) -> str:
    """Format a time for the `datetime` attribute: `2026-01-07T09:05:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _capital(letter: str) -> str:
    # The capital form of some letters is two letters ("ß"): those stay as they are.
    return letter.upper() if len(letter.upper()) == 1 else letter
