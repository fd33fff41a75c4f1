"""`python -m bench`, which is `make bench`: build, measure, and write tables and plots."""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench import cold, growth, journeys, report, warm
from bench.allocations import allocations
from bench.builds import build_all, sizes_for
from bench.quoting import quoted
from bench.subjects import AUTHORIZER, OURS, TUTORIAL_COMPILED, Person, Subject, all_subjects
from bench.world import World, running_world
from harness.artifacts import link_runtime_client
from local.table import isolate_from_aws

PARTS: Final = ("cold", "warm", "journeys", "growth", "sizes")
RESULTS: Final = Path(__file__).resolve().parent / "results"
DOCUMENT: Final = RESULTS.parent.parent / "docs" / "performance.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """How much a run measures."""

    starts: int
    requests: int
    journeys: int
    soak_seconds: float
    table: tuple[int, ...]
    sessions: tuple[int, ...]
    groups: tuple[int, ...] = (1, 10, 50, 250)
    resources: tuple[int, ...] = (1, 5, 20, 50)


FULL = Amounts(
    starts=12,
    requests=1000,
    journeys=300,
    soak_seconds=600,
    table=(1_000, 100_000, 1_000_000),
    sessions=(1, 10, 100, 500),
)
QUICK = Amounts(
    starts=3,
    requests=100,
    journeys=64,
    soak_seconds=20,
    table=(1_000, 100_000),
    sessions=(1, 10, 50),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a measurement needs: the subjects, and the world that they run in."""

    subjects: dict[str, Subject]
    world: World
    client: Path
    amounts: Amounts


def main(arguments: list[str]) -> int:
    """Measure, and write the results: 0."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes, rougher numbers")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    given = parser.parse_args(arguments)
    chosen = given.only.split(",")
    if not set(chosen) <= set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}")
    isolate_from_aws(os.environ)
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # so that finally clauses end every emulator
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        results = _results(Path(name), chosen, QUICK if given.quick else FULL)
    results["machine"]["minutes"] = round((time.monotonic() - started) / 60, 1)
    report.write(results, given.out)
    if given.out == RESULTS:
        tables = (RESULTS / "results.md").read_text(encoding="utf-8")
        DOCUMENT.write_text(quoted(DOCUMENT.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(f"\nWritten to {given.out}:\n")
    print((given.out / "results.md").read_text().partition("## Budgets")[2])
    return 0


def _results(folder: Path, chosen: list[str], amounts: Amounts) -> dict[str, Any]:
    _say("building")
    builds = build_all(folder)
    client = folder / "client"
    client.mkdir()
    link_runtime_client(client)
    results: dict[str, Any] = {"machine": _machine(), "notes": list(builds.notes)}
    measures: dict[str, Callable[[Run], dict[str, Any]]] = {
        "cold": _cold,
        "warm": _warm,
        "journeys": _journeys,
        "growth": _growth,
    }
    for part, measure in measures.items():
        if part in chosen:
            _say(part)
            with running_world() as world:
                run = Run(
                    subjects=all_subjects(builds), world=world, client=client, amounts=amounts
                )
                results |= measure(run)
    if "sizes" in chosen:
        _say("sizes")
        results["sizes"] = {
            architecture: {
                artifact: asdict(size) for artifact, size in sizes_for(folder, architecture).items()
            }
            for architecture in ("arm64", "x86_64")
        }
    return results


def _cold(run: Run) -> dict[str, Any]:
    found = cold.cold_starts(run.subjects, run.world, run.client, starts=run.amounts.starts)
    found["imports"] = {
        OURS: cold.imports(run.subjects[OURS], "functions.auth.app"),
        AUTHORIZER: cold.imports(run.subjects[AUTHORIZER], "functions.authorizer.app"),
        TUTORIAL_COMPILED: cold.imports(run.subjects[TUTORIAL_COMPILED], "app"),
    }
    return {"cold": found}


def _warm(run: Run) -> dict[str, Any]:
    subjects, world, client = run.subjects, run.world, run.client
    found = warm.warm_requests(subjects, world, client, requests=run.amounts.requests)
    steps = run.amounts.requests // 5
    found["steps_ms"] = warm.journey_steps(subjects, world, client, journeys=steps)
    table = world.new_table()
    with subjects[OURS].running(world, table, client) as function:
        person = Person(function, world)
        person.sign_in()
        found["allocations"] = allocations(subjects[OURS], world, table, person)
    return {"warm": found, "wire": warm.wire_costs(subjects, world, client)}


def _journeys(run: Run) -> dict[str, Any]:
    amounts = run.amounts
    throughput = {
        count: journeys.throughput(
            run.subjects, run.world, run.client, browsers=count, journeys=amounts.journeys
        )
        for count in (1, 8, 64)
    }
    soak = journeys.soak(run.subjects, run.world, run.client, seconds=amounts.soak_seconds)
    return {"journeys": {"throughput": throughput, "soak": soak}}


def _growth(run: Run) -> dict[str, Any]:
    given = (run.subjects, run.world, run.client)
    return {
        "growth": {
            "sessions in the table": growth.with_sessions(*given, run.amounts.table),
            "sessions of the user": growth.with_sessions_of_a_user(*given, run.amounts.sessions),
            "groups": growth.with_groups(*given, run.amounts.groups),
            "resource tokens": growth.with_resources(*given, run.amounts.resources),
        }
    }


def _machine() -> dict[str, Any]:
    node = shutil.which("node")
    names = ("boto3", "botocore", "fastapi", "mangum", "logto", "aws-lambda-powertools", "moto")
    return {
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "node": (
            subprocess.run(  # noqa: S603 - node of this machine
                [node, "--version"], capture_output=True, text=True, check=True
            ).stdout.strip()
            if node
            else "none"
        ),
        **{name: version(name) for name in names},
    }


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
