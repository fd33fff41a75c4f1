"""The budgets, and whether a run keeps them. Ratios are of medians within the run.

The floor of a warm request is an empty handler that reads one item from the table.
"""

from typing import Any

from bench.subjects import AUTHORIZER, EXPRESS, ONE_READ, OURS, TUTORIAL

Row = tuple[str, str, str, str]


def judged(results: dict[str, Any]) -> list[Row]:
    """Judge each budget that the run has measured: a row each."""
    rows: list[Row] = []
    if "cold" in results:
        cold = results["cold"]
        init = {name: figures["median"] for name, figures in cold["init_ms"].items()}
        tutorial = init[TUTORIAL]
        home = cold["start_and_answer_ms"][OURS]["home"]
        rows += [
            _at_most("INIT of AuthFunction to the tutorial's", init[OURS] / tutorial, 0.25),
            _at_most("stretch: the same", init[OURS] / tutorial, 0.17),
            _at_most("INIT and first signed-in home", home / tutorial, 0.3),
            _at_most("the same by CPU time", _cpu(cold, OURS) / _cpu(cold, TUTORIAL), 0.3),
            _at_most("INIT of AuthorizerFunction", init[AUTHORIZER] / tutorial, 0.15),
            _at_most("peak memory, MB", max(cold["peak_mb"][OURS], 1), 256),
        ]
    if "warm" in results:
        wall = {name: figures["median"] for name, figures in results["warm"]["wall_ms"].items()}
        floor = wall[ONE_READ]
        rows += [
            _at_most("warm authorizer to the floor", wall[AUTHORIZER] / floor, 1.5),
            _at_most("warm signed-in home to the floor", wall[f"{OURS}: home"] / floor, 1.5),
        ]
        if f"{EXPRESS}: home" in wall:
            ratio = wall[f"{OURS}: home"] / wall[f"{EXPRESS}: home"]
            rows.append(_at_most("warm signed-in home to express-openid-connect's", ratio, 1.0))
        rows += _wire(results["wire"][OURS])
    if "sizes" in results:
        for architecture, artifacts in results["sizes"].items():
            zipped = (artifacts[name]["zipped"] for name in ("SharedLayer", "AuthFunction"))
            name = f"layer and function zipped, MB, {architecture}"
            rows.append(_at_most(name, sum(zipped) / 1e6, 25))
    return rows


def _cpu(cold: dict[str, Any], name: str) -> float:
    """CPU time up to the first home page, which depends less on the load of the machine."""
    return float(cold["cpu_ms"][name]["home"]["median"])


def _wire(steps: dict[str, Any]) -> list[Row]:
    journey = [steps[name] for name in ("sign-in", "callback", "home", "sign-out")]
    table = sum(len(step["table_calls"]) for step in journey)
    logto = sum(len(step["logto_calls"]) for step in journey)
    connections = sum(step["new_logto_connections"] for step in journey)
    return [
        _at_most("calls to DynamoDB for sign-in, home and sign-out", table, 6),
        _at_most("requests to Logto in a warm process", logto, 2),
        _at_most("new connections to Logto in a warm process", connections, 0),
        _at_most("read units of a signed-in home", steps["home"]["read_units"], 1),
    ]


def _at_most(name: str, measured: float, limit: float) -> Row:
    return (name, f"{limit:g}", f"{measured:.3g}", "yes" if measured <= limit else "no")
