"""Clean text of people for a line of a page: names, roles, in any script and with any separator."""

import re

_SPACES = re.compile(r"\s+")
"""Runs of every kind of space, tab and line break (Zs, Zl, Zp, white-space controls)."""
_REMOVED = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Other controls, and what reorders the text around it (embeddings, overrides and isolates)."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def plain_text(value: str) -> str:
    """Return text on one line, maybe empty. Joiners stay: languages and emoji need them."""
    return _SPACES.sub(" ", _REMOVED.sub("", value)).strip()


def without_controls(value: str) -> str:
    """Return text for a header's value, with U+FFFD for each control character."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", value)
