"""Watching the code: what happens on a machine that cannot watch any more files."""

import errno
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from watchfiles._rust_notify import WatchfilesRustInternalError

from local import reload
from local.reload import changes
from tests.support.up import up

INSTANCES = "Too many open files (os error 24): no inotify instances are left"
FAILURES = {
    "no inotify instances": OSError(errno.EMFILE, INSTANCES),
    "no inotify instances, by watchfiles": WatchfilesRustInternalError(INSTANCES),
    "no inotify watches": OSError(errno.ENOSPC, "OS file watch limit reached."),
    "no descriptors": OSError(errno.ENFILE, "Too many open files in system"),
    "a file that cannot be read": PermissionError(errno.EACCES, "Permission denied"),
    "a folder that has gone": FileNotFoundError("No such file or directory"),
    "two lines": RuntimeError("first\nsecond"),
}
BEGINNING = "Changes of the code are not noticed: "


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("later", [False, True])
def test_failing_watcher_says_so_in_one_line_and_ends_when_stopped(
    name: str, later: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = threading.Event()

    def failing(*_: Any, **__: Any) -> Iterator[set[tuple[int, str]]]:
        if later:
            yield set()
        failed.set()
        raise FAILURES[name]

    monkeypatch.setattr(reload, "watch", failing)
    stop = threading.Event()
    with changes(stop) as found:
        if later:
            next(found)
        assert failed.wait(30)
        threading.Timer(0.1, stop.set).start()
        assert list(found) == []
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(BEGINNING)
    assert " ".join(str(FAILURES[name]).split()) in line
    assert "WATCHFILES_FORCE_POLLING" in line


def test_stack_serves_and_stops_without_a_watcher(tmp_path: Path) -> None:
    """The interpreter imports `sitecustomize` before everything else."""
    (tmp_path / "sitecustomize.py").write_text(
        f"""import watchfiles
def watch(*_, **__):
    raise OSError({errno.EMFILE}, {INSTANCES!r})
watchfiles.watch = watch
"""
    )
    with up({"PYTHONPATH": str(tmp_path)}) as program:
        program.wait_for("Ctrl-C stops everything")
        assert httpx.get(program.url, trust_env=False).status_code == 200
        assert program.end(signal.SIGINT) == 0
    assert program.output.count(BEGINNING) == 1
    assert "Traceback" not in program.output
