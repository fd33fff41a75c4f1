"""Execution environments: processes that are reused, replaced, and never left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.environments import DoesNotStart, Environments, InvocationFailed

HANDLERS = "tests.local.handlers"


@pytest.fixture
def one() -> Iterator[Environments]:
    environments = Environments({"ONLY_FOR_THE_FUNCTION": "here"}, count=1)
    yield environments
    environments.kill()


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_environment_is_another_process_and_is_reused(one: Environments) -> None:
    first = one.invoke(f"{HANDLERS}.echo", {})["pid"]
    assert first != os.getpid()
    assert one.invoke(f"{HANDLERS}.echo", {})["pid"] == first


def test_variables_reach_only_the_function(one: Environments) -> None:
    assert one.invoke(f"{HANDLERS}.variable", {}) == "here"
    assert "ONLY_FOR_THE_FUNCTION" not in os.environ


@pytest.mark.parametrize("how", ["crash", "hang"])
def test_broken_environment_is_replaced(one: Environments, how: str) -> None:
    before = one.invoke(f"{HANDLERS}.echo", {})["pid"]
    with pytest.raises(InvocationFailed) as caught:
        one.invoke(f"{HANDLERS}.{how}", {}, seconds=2)
    assert caught.value.timed_out is (how == "hang")
    assert not alive(before)
    assert one.invoke(f"{HANDLERS}.echo", {})["pid"] != before


def test_failing_handler_keeps_its_environment(one: Environments) -> None:
    before = one.invoke(f"{HANDLERS}.echo", {})["pid"]
    with pytest.raises(InvocationFailed):
        one.invoke(f"{HANDLERS}.fail", {})
    assert one.invoke(f"{HANDLERS}.echo", {})["pid"] == before


def test_code_that_does_not_start_is_reported_with_the_reason(one: Environments) -> None:
    with pytest.raises(DoesNotStart, match="no_such_module"):
        one.check(frozenset({"tests.local.no_such_module.handler"}))
    with pytest.raises(DoesNotStart, match="LOGTO_ENDPOINT is missing"):
        one.check(frozenset({"functions.auth.app.handler"}))
    one.check(frozenset({f"{HANDLERS}.echo"}))


def test_stopped_environments_leave_no_process(one: Environments) -> None:
    pid = one.invoke(f"{HANDLERS}.echo", {})["pid"]
    one.stop()
    assert not alive(pid)


def test_killed_parent_leaves_no_process() -> None:
    program = (
        "import os, signal\n"
        "from local.environments import Environments\n"
        "if __name__ == '__main__':\n"
        f"    pid = Environments({{}}, count=1).invoke('{HANDLERS}.echo', {{}})['pid']\n"
        "    print(pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # Standard output ends when every process that inherited it has ended.
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert not alive(int(out.stdout))
