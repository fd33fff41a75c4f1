"""The costs in docs/scale.md are those of the present calls, at the prices in the file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.costs import __main__ as costs
from bench.costs.measured import Request
from tests.support.expansion import decided, expanded, of_type, parameters

ROOT = Path(__file__).resolve().parent.parent.parent
SCALE = (ROOT / "docs/scale.md").read_text()
IDLE = SCALE.partition("\n## While nobody signs in\n")[2].partition("\n## ")[0]


_MEASURE = """
import dataclasses, json
from bench.costs import measured

measured.ROUNDS = 1
print(json.dumps([dataclasses.asdict(request) for request in measured.measured()]))
"""


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    """Measure in another process, which has its own emulator."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    read = json.loads(done.stdout.splitlines()[-1])
    return [Request(**{**entry, "calls": tuple(entry["calls"])}) for entry in read]


def test_document_lists_the_calls_that_are_made(requests: list[Request]) -> None:
    assert len(requests) == 6
    for request in requests:
        calls = ", ".join(request.calls) or "none"
        units = f"{request.reads:g} | {request.writes:g} | {request.logto}"
        row = f"| {request.name} | {calls} | {units} |"
        assert row in SCALE, row


def test_sum_adds_up_its_parts(requests: list[Request]) -> None:
    prices = {**costs.read_prices()}
    report = costs.report(requests, prices)
    total = float(re.findall(r"\| sign-ins with .* \| ([\d.]+) \|", report)[0])
    parts = [float(row) for row in re.findall(r"^\| GET .* \| ([\d.]+) \|$", report, re.M)]
    assert len(parts) == 5
    assert total == pytest.approx(sum(parts), abs=0.05)
    doubled = {**prices, "dynamodb_write_unit": 2 * prices["dynamodb_write_unit"]}
    writes = sum(r.writes for r in requests)
    more = sum(costs.cost(r, doubled) - costs.cost(r, prices) for r in requests)
    assert more == pytest.approx(writes * prices["dynamodb_write_unit"])


def test_document_lists_what_a_stack_costs_while_nobody_signs_in() -> None:
    prices = costs.read_prices()
    parts = (
        "dashboard_month",
        "secret_month",
        "alarm_metric_month",
        "lambda_snapshot_gb_second",
    )
    for part in parts:
        others = {name: 0.0 if name in parts and name != part else prices[name] for name in prices}
        assert f"| {costs.fixed(others):.2f} |" in IDLE, part
    assert f"| all of them | | {costs.fixed(prices):.2f} |" in IDLE
    assert f"alarms on {costs.ALARMED_METRICS} metrics" in IDLE


def test_stack_with_the_documented_options_has_only_its_secrets_left() -> None:
    given = dict(
        word.split("=") for word in re.findall(r"\b(?:SnapStart|Alarms|Dashboard)=off", IDLE)
    )
    assert len(given) == 3
    values = parameters(**given)
    template = decided(expanded(values), values)
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"):
        assert of_type(template, kind) == {}
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert not [f for f in functions if f.get("SnapStart", {}).get("ApplyOn", "None") != "None"]
    assert len(of_type(template, "AWS::SecretsManager::Secret")) == 2
    assert "0.80 USD" in IDLE


def test_prices_name_their_date_and_region() -> None:
    prices = json.loads((ROOT / "bench/costs/prices.json").read_text())
    assert (prices["as_known"], prices["region"]) == ("2025-06", "us-east-1")
    assert "June 2025" in SCALE


def test_number_of_alarms_matches_the_template() -> None:
    values = parameters()
    alarms = of_type(decided(expanded(values), values), "AWS::CloudWatch::Alarm").values()
    watched = sum(
        sum("MetricStat" in entry for entry in alarm.get("Metrics", ())) or 1 for alarm in alarms
    )
    assert watched == costs.ALARMED_METRICS
