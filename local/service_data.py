"""Trim botocore's descriptions of services to those that the functions call.

botocore reads them from its data folder when a client is made: the list of all services, the
endpoints of all of them (over a megabyte of JSON), and the service's own model, compressed. The
trimmed data is the same without other services and without documentation.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any, Final

SERVICES: Final = ("dynamodb", "secretsmanager", "sqs", "ssm")
"""The table, the queue, and the two services that can store a secret."""
_UNUSED: Final = ("examples-1.json",)


def trim_service_data(data: Path) -> None:
    """Trim a `botocore/data` folder."""
    for folder in (path for path in data.iterdir() if path.is_dir()):
        if folder.name in SERVICES:
            _trim_service(folder)
        else:
            shutil.rmtree(folder)
    endpoints = data / "endpoints.json"
    document = json.loads(endpoints.read_bytes())
    for partition in document["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES if name in services}
    _write(endpoints, document)


def _trim_service(folder: Path) -> None:
    """Keep the newest API version, which botocore uses, and decompress it.

    The archive is compressed anyway, and Lambda unpacks it before the function starts.
    """
    *earlier, version = sorted(path for path in folder.iterdir() if path.is_dir())
    for old in earlier:
        shutil.rmtree(old)
    for path in sorted(version.iterdir()):
        if path.name.removesuffix(".gz") in _UNUSED:
            path.unlink()
        elif path.name.endswith(".json.gz"):
            _write(
                path.with_suffix(""), _undocumented(json.loads(gzip.decompress(path.read_bytes())))
            )
            path.unlink()


def _undocumented(value: Any) -> Any:
    """Remove the texts from a part of a model, but keep members that have the same name."""
    if isinstance(value, dict):
        return {
            name: _undocumented(inner)
            for name, inner in value.items()
            if not (name == "documentation" and isinstance(inner, str))
        }
    return [_undocumented(inner) for inner in value] if isinstance(value, list) else value


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
