"""Requests to this machine itself, on a network whose other addresses are behind a proxy."""

from collections.abc import MutableMapping
from typing import Final

_NAMES: Final = ("localhost", "127.0.0.1", "::1", "host.docker.internal")
_EVERYTHING: Final = "*"


def bypass_proxies(environment: MutableMapping[str, str]) -> None:
    """Add this machine to the exceptions from the proxies that the environment names.

    Libraries disagree on which of the two spellings takes precedence, so both get the same value.
    """
    given = [
        entry.strip()
        for name in ("no_proxy", "NO_PROXY")
        for entry in environment.get(name, "").split(",")
        if entry.strip()
    ]
    # An asterisk means everything only if it is the whole value.
    entries = [_EVERYTHING] if _EVERYTHING in given else [*given, *_NAMES]
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(dict.fromkeys(entries))
