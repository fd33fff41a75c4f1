"""What emulator and kernel report about a function: INIT, time of each answer, CPU, memory."""

import re
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from harness.rie import Function

_INIT: Final = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_ANSWER: Final = re.compile(r"INVOKE RTDONE\(status: \w+, .*duration: ([0-9.]+)ms\)")


def init_ms(function: Function) -> float:
    """Milliseconds of the INIT phase, known after the first event."""
    return _found(function, _INIT, 1)[0]


def answers_ms(function: Function, count: int) -> list[float]:
    """Milliseconds of each answer; waits until there are at least so many."""
    return _found(function, _ANSWER, count)


def cpu_ms(pid: int) -> float:
    """Milliseconds of CPU time that the threads of a process have used."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Megabytes of memory that a process holds, or its peak."""
    name = "VmHWM" if peak else "VmRSS"
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def spread(values: list[float]) -> dict[str, Any]:
    """Median and percentiles."""
    if len(values) < 2:
        values = values * 2
    cuts = quantiles(values, n=100, method="inclusive")
    return {
        "median": round(median(values), 3),
        "min": round(min(values), 3),
        "p25": round(cuts[24], 3),
        "p75": round(cuts[74], 3),
        "p95": round(cuts[94], 3),
        "p99": round(cuts[98], 3),
        "count": len(values),
    }


def _found(function: Function, pattern: re.Pattern[str], count: int) -> list[float]:
    """Wait for so many matches in the log, which may arrive after the answers."""
    for _ in range(200):
        values = [float(text) for text in pattern.findall(function.log)]
        if len(values) >= count:
            return values
        time.sleep(0.01)
    raise TimeoutError(f"the emulator's log lacks {pattern.pattern}")
