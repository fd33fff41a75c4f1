"""Ports that are taken, and the processes that hold them, as far as Linux tells."""

import os
from pathlib import Path

from local.serving import close, listen

_LISTENING = "0A"


def taken(port: int, hosts: tuple[str, ...]) -> bool:
    """Whether a process listens on the port already."""
    try:
        close(listen(hosts, port))
    except OSError:
        return True
    return False


def holder(port: int) -> str | None:
    """Name the process that listens on a port, as `name (pid 1234)`, if it can be found."""
    inodes = {
        f"socket:[{fields[9]}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in _rows(Path(table))
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port
    }
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(file) in inodes for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return None


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
