"""The record of what `setup` made: a small file without secrets, for the next run and `teardown`.

The file is a help, not a necessity. Without it, `setup` finds what it made by the marks that it
leaves at Logto (the end of a name or a description) and at Entra (tags).

A step saves the record *before* a call that makes something. If the answer to that call is lost,
or the program is stopped, the next run knows that what it finds may be its own. The other order
would leave things behind that nobody removes.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from provision.errors import ProvisionFailed
from provision.text_file import read_text

_VERSION: Final = 1


# The names of these fields are the members of the file: another name needs another version.


@dataclass(kw_only=True, slots=True)
class RecordedApplication:
    """The product's application at Logto: made, or adopted and then extended.

    For an adopted one, the other fields hold what `teardown` needs to restore it.
    """

    id: str
    made: bool
    added_redirect_uris: list[str] = field(default_factory=list)
    added_post_sign_out_uris: list[str] = field(default_factory=list)
    backchannel_before: str | None = None
    session_required_before: bool = False
    always_refresh_added: bool = False
    """Whether `setup` turned `alwaysIssueRefreshToken` on."""


@dataclass(kw_only=True, slots=True)
class RecordedConnector:
    """A connector, and the application that was registered at Entra for it."""

    id: str | None = None
    name: str
    made: bool
    """Whether this deployment made the connector, and so may remove it."""
    issuer: str
    client_id: str = ""
    entra_id: str | None = None
    """Graph's object id; empty while it is being registered; None if registered by hand."""
    secret_ends_at: str | None = None
    """ISO 8601."""
    added_sign_out_uris: list[str] = field(default_factory=list)
    """What was added to the application's redirect URIs, apart from the connector's callback."""


@dataclass(kw_only=True, slots=True)
class RecordedRotation:
    """A rotation of the application's secret that is not finished; secrets are named."""

    application: str
    old: str
    new: str
    stored_at: float | None = None
    """When the new secret was stored; seconds since 1970."""


@dataclass(kw_only=True, slots=True)
class Record:
    """What was made for one product at one Logto."""

    logto: str
    base_url: str
    application: RecordedApplication | None = None
    rotation: RecordedRotation | None = None
    hook: str | None = None
    single_sign_on: bool = False
    """Whether `setup` turned enterprise SSO on."""
    connectors: dict[str, RecordedConnector] = field(default_factory=dict)
    """By name."""
    env_file: str | None = None
    written_env: dict[str, str] = field(default_factory=dict)
    """Variables that were written to it, without secrets."""
    samconfig: str | None = None
    config_env: str = "default"
    written: dict[str, str] = field(default_factory=dict)
    """Parameters that were written to samconfig.toml, without secrets."""
    path: Path | None = field(default=None, repr=False)
    """None: the record is not kept in a file."""

    def check_writable(self) -> None:
        """Check, before anything changes, that the file can be written. Raises ProvisionFailed."""
        if self.path is None:
            return
        folder = next(parent for parent in self.path.parents if os.path.lexists(parent))
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise self._unwritable()

    def save(self) -> None:
        """Replace the file, so that it is never half written. Raises ProvisionFailed."""
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

    def remove(self) -> None:
        """Remove the file. Raises ProvisionFailed."""
        try:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
        except OSError:
            raise self._unwritable() from None

    def _unwritable(self) -> ProvisionFailed:
        return ProvisionFailed(
            f"{self.path} cannot be written, but `setup` keeps its record there.",
            "Check the folder.",
        )


def record_path(root: Path, logto: str, base_url: str) -> Path:
    """Return where the record of a product at a Logto is kept."""
    parts = (urlsplit(base_url).netloc + urlsplit(base_url).path, urlsplit(logto).netloc)
    name = "-at-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)
    return root / ".local" / "setup" / f"{name}.json"


def read_record(path: Path, *, logto: str, base_url: str) -> Record:
    """Read the record, or return an empty one if there is no file.

    Raises ProvisionFailed if the file is not the record of this product at this Logto.
    """
    if not os.path.lexists(path):
        return Record(logto=logto, base_url=base_url, path=path)
    try:
        values: dict[str, Any] = json.loads(read_text(path))
        if values.pop("version") != _VERSION:
            raise ValueError
        application = values.pop("application")
        connectors = values.pop("connectors")
        rotation = values.pop("rotation", None)
        record = Record(
            **values,
            application=RecordedApplication(**application) if application else None,
            rotation=RecordedRotation(**rotation) if rotation else None,
            connectors={name: RecordedConnector(**one) for name, one in connectors.items()},
            path=path,
        )
    except (ProvisionFailed, ValueError, TypeError, KeyError, AttributeError):
        raise ProvisionFailed(
            f"{path} cannot be read as a record of `setup`.",
            "Move it away, and run the command again: what was made is found without it as far as "
            "possible.",
        ) from None
    # Two addresses can give one file name, since only letters, digits and dots are kept in it.
    if (record.logto, record.base_url) != (logto, base_url):
        raise ProvisionFailed(
            f"{path} is the record for {record.base_url} at {record.logto}, not for {base_url} at "
            f"{logto}.",
            "Pass these addresses if you mean that product. If its address has changed, run "
            "teardown with the old one, or move the file away: what was made is then found by its "
            "marks as far as possible.",
        )
    return record
