"""What `setup` made, kept in a small file without secrets: for a run that was cut, and `teardown`.

The file only helps: without it, `setup` finds what it made by the marks that it leaves at Logto and
at Entra.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from provision.errors import ProvisionFailed

_VERSION: Final = 1


@dataclass(kw_only=True, slots=True)
class MadeApplication:
    """The product's application: made, or taken over, and then what was added to it."""

    id: str
    made: bool
    added_redirect_uris: list[str] = field(default_factory=list)
    added_post_sign_out_uris: list[str] = field(default_factory=list)
    backchannel_before: str | None = None
    session_required_before: bool = False


@dataclass(kw_only=True, slots=True)
class MadeConnector:
    """A connector, and what was registered at Entra for it. `entra_id` is Graph's object id, empty
    while it is being made, None for an application that was registered by hand. `secret_ends_at`
    is ISO 8601."""

    id: str | None = None
    name: str
    made: bool
    issuer: str
    client_id: str = ""
    entra_id: str | None = None
    secret_ends_at: str | None = None


@dataclass(kw_only=True, slots=True)
class Record:
    """What was made for one product at one Logto."""

    logto: str
    base_url: str
    application: MadeApplication | None = None
    hook: str | None = None
    single_sign_on: bool = False
    connectors: dict[str, MadeConnector] = field(default_factory=dict)
    """By name."""
    env_file: str | None = None
    written_env: dict[str, str] = field(default_factory=dict)
    """Variables that were put into it; nothing secret."""
    samconfig: str | None = None
    config_env: str = "default"
    written: dict[str, str] = field(default_factory=dict)
    """Parameters that were put into samconfig.toml; nothing secret."""
    path: Path | None = field(default=None, repr=False)

    def check_writable(self) -> None:
        """Before anything is changed: what will be made can be noted. Raises ProvisionFailed."""
        if self.path is None:
            return
        folder = next(parent for parent in self.path.parents if os.path.lexists(parent))
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise self._unwritable()

    def save(self) -> None:
        """Write the file anew, whole or not at all. Raises ProvisionFailed."""
        if self.path is None:
            return
        values = {name: value for name, value in asdict(self).items() if name != "path"}
        text = json.dumps({"version": _VERSION, **values}, indent=2) + "\n"
        unfinished = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(text)
            os.replace(unfinished, self.path)
        except OSError:
            raise self._unwritable() from None

    def forget(self) -> None:
        """Remove the file. Raises ProvisionFailed."""
        try:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
        except OSError:
            raise self._unwritable() from None

    def _unwritable(self) -> ProvisionFailed:
        return ProvisionFailed(
            f"{self.path} cannot be written: what `setup` makes is noted there, check the folder"
        )


def record_path(root: Path, logto: str, base_url: str) -> Path:
    """Where the record of a product at a Logto is kept."""
    parts = (urlsplit(base_url).netloc + urlsplit(base_url).path, urlsplit(logto).netloc)
    name = "-at-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)
    return root / ".local" / "setup" / f"{name}.json"


def read_record(path: Path, *, logto: str, base_url: str) -> Record:
    """The record, or an empty one. Raises ProvisionFailed for a file that is no record of them."""
    if not os.path.lexists(path):
        return Record(logto=logto, base_url=base_url, path=path)
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        if values.pop("version") != _VERSION:
            raise ValueError
        application = values.pop("application")
        connectors = values.pop("connectors")
        record = Record(
            **values,
            application=MadeApplication(**application) if application else None,
            connectors={name: MadeConnector(**one) for name, one in connectors.items()},
            path=path,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise ProvisionFailed(
            f"{path} cannot be read as a record of `setup`: move it away; what was made is found "
            "without it as far as possible"
        ) from None
    if (record.logto, record.base_url) != (logto, base_url):
        raise ProvisionFailed(f"{path} is the record of another product: move it away")
    return record
