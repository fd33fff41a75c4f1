"""The results as tables (Markdown), as JSON and as plots."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import plots
from bench.budgets import judged

Results = dict[str, Any]
Rows = list[tuple[Any, ...]]


def write(results: Results, folder: Path) -> None:
    """Write all of them into a folder, and replace those of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text("\n".join(_markdown(results)) + "\n", encoding="utf-8")
    for name, drawing in _drawings(results):
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")


def _markdown(results: Results) -> Iterator[str]:
    yield "# Measurements"
    yield ""
    machine = results["machine"]
    yield "; ".join(f"{name}: {value}" for name, value in machine.items()) + "."
    for note in results["notes"]:
        yield f"Note: {note}."
    if "cold" in results:
        yield from _cold(results["cold"])
    if "sizes" in results:
        yield from _sizes(results["sizes"])
    if "warm" in results:
        yield from _warm(results["warm"])
        yield from _wire(results["wire"])
    if "journeys" in results:
        yield from _journeys(results["journeys"])
    if "growth" in results:
        yield from _growth(results["growth"])
    budgets = judged(results)
    if budgets:
        yield from _table("Budgets", ("budget", "limit", "measured", "held"), budgets)


def _table(title: str, names: tuple[str, ...], rows: Rows) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"| {' | '.join(names)} |")
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def _cold(cold: Results) -> Iterator[str]:
    tutorial = cold["init_ms"]["tutorial"]["median"]
    rows: Rows = [
        (
            name,
            f"{figures['median']:.0f}",
            f"{figures['p25']:.0f} to {figures['p75']:.0f}",
            f"{figures['median'] / tutorial:.3f}",
            f"{cold['peak_mb'][name]:.0f}",
            figures["count"],
        )
        for name, figures in cold["init_ms"].items()
    ]
    columns = ("subject", "INIT ms", "quartiles", "ratio", "peak MB", "starts")
    yield from _table("Cold start", columns, rows)
    rows = [
        (
            name,
            page,
            f"{figures['median']:.1f}",
            cold["start_and_answer_ms"][name][page],
            f"{cold['cpu_ms'][name][page]['median']:.0f}",
        )
        for name, pages in cold["first_answer_ms"].items()
        for page, figures in pages.items()
    ]
    yield from _table(
        "First request of a process",
        ("subject", "first request", "answer ms", "with INIT ms", "CPU ms"),
        rows,
    )
    for name, packages in cold["imports"].items():
        rows = [(entry["package"], entry["ms"]) for entry in packages]
        yield from _table(f"What INIT of {name} consists of", ("package", "ms"), rows)


def _sizes(sizes: Results) -> Iterator[str]:
    rows = [
        (architecture, name, f"{size['zipped'] / 1e6:.2f}", f"{size['unzipped'] / 1e6:.2f}")
        for architecture, artifacts in sizes.items()
        for name, size in artifacts.items()
    ]
    names = ("processor", "artifact", "MB zipped", "MB unzipped")
    yield from _table("Size of the artifacts", names, rows)


def _warm(warm: Results) -> Iterator[str]:
    rows: Rows = [
        (name, *(figures[key] for key in ("median", "p95", "p99")), warm["cpu_ms"][name])
        for name, figures in warm["wall_ms"].items()
    ]
    yield from _table("Warm requests", ("request", "p50 ms", "p95", "p99", "CPU ms"), rows)
    rows = [
        (name, step, *(figures[key] for key in ("median", "p95", "p99")))
        for name, steps in warm["steps_ms"].items()
        for step, figures in steps.items()
    ]
    yield from _table("Steps of a journey", ("subject", "step", "p50 ms", "p95", "p99"), rows)
    rows = [(page, *figures.values()) for page, figures in warm["allocations"].items()]
    names = ("request", "peak KB", "KB left", "objects left")
    yield from _table("Allocations of a warm request", names, rows)


def _wire(wire: Results) -> Iterator[str]:
    rows = [
        (
            name,
            step,
            ", ".join(cost["table_calls"]) or "none",
            cost["table_bytes"],
            f"{cost['read_units']:g} / {cost['write_units']:g}",
            len(cost["logto_calls"]),
            cost["new_logto_connections"],
        )
        for name, steps in wire.items()
        for step, cost in steps.items()
    ]
    names = (
        *("subject", "step", "calls to DynamoDB", "bytes", "read / write units"),
        *("requests to Logto", "new connections"),
    )
    yield from _table("At the wire, in a warm process", names, rows)


def _journeys(journeys: Results) -> Iterator[str]:
    rows = [
        (
            count,
            name,
            figures["sign_ins_per_second"],
            figures["cpu_seconds_per_thousand"],
            figures["journey_ms"]["median"],
            figures["journey_ms"]["p95"],
        )
        for count, subjects in journeys["throughput"].items()
        for name, figures in subjects.items()
    ]
    names = ("browsers", "subject", "sign-ins/s", "CPU s per 1000", "journey ms p50", "p95")
    yield from _table("Sign-in, home and sign-out", names, rows)
    soak = journeys["soak"]
    yield ""
    yield (
        f"Soak: {soak['requests']} requests, {soak['memory_before_mb']} MB before and "
        f"{soak['memory_after_mb']} MB after."
    )


def _growth(growth: Results) -> Iterator[str]:
    for what, points in growth.items():
        rows = [
            (point["x"], step, *cost.values())
            for point in points
            for step, cost in point.items()
            if step != "x"
        ]
        names = (what, "step", "calls", "bytes", "read units", "write units", "Logto")
        yield from _table(f"Growth with {what}", names, rows)


def _drawings(results: Results) -> Iterator[tuple[str, str]]:
    if "cold" in results:
        cold = results["cold"]
        yield (
            "cold",
            plots.bars(
                "Cold start: INIT and the first signed-in home",
                {
                    name: _stacked(name, figures["median"], cold)
                    for name, figures in cold["init_ms"].items()
                },
                unit="ms",
            ),
        )
    if "warm" in results:
        walls = results["warm"]["wall_ms"]
        rows = {name: [("median", figures["median"])] for name, figures in walls.items()}
        yield "warm", plots.bars("Warm request, median", rows, unit="ms")
    if "journeys" in results:
        samples = results["journeys"]["soak"]["samples"]
        latency = {
            name: [(sample["second"], sample[name]) for sample in samples]
            for name in ("median_ms", "p99_ms")
        }
        memory = {"resident_mb": [(s["second"], s["resident_mb"]) for s in samples]}
        yield "soak", plots.lines("Soak", latency, x_label="seconds", y_label="milliseconds")
        yield (
            "soak-memory",
            plots.lines("Memory in the soak", memory, x_label="seconds", y_label="MB"),
        )
    for what, points in results.get("growth", {}).items():
        steps = [step for step in points[0] if step != "x"]
        bytes_ = {step: [(point["x"], point[step]["bytes"]) for point in points] for step in steps}
        yield (
            f"growth-{what.replace(' ', '-')}",
            plots.lines(
                f"Bytes to and from DynamoDB by {what}",
                bytes_,
                x_label=what,
                y_label="bytes a request",
                logarithmic=True,
            ),
        )


def _stacked(name: str, init: float, cold: Results) -> list[plots.Part]:
    first = cold["first_answer_ms"][name]
    page = "home" if "home" in first else next(iter(first))
    return [("INIT", init), ("first answer", first[page]["median"])]
