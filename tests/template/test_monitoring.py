"""Metrics in the code, on the dashboard, in the alarms and in the guide are the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared import errors, observability
from tests.support.expansion import decided, expanded, of_type, parameters, source

ROOT = Path(__file__).resolve().parent.parent.parent
NAMESPACE = {"Fn::Sub": "ServerlessSignIn/${AWS::StackName}"}
METRICS = {
    value
    for name, value in vars(observability).items()
    if name.isupper() and isinstance(value, str) and name != "NAMESPACE"
}
CODE = {
    path: path.read_text()
    for folder in ("functions", "shared")
    for path in (ROOT / folder).rglob("*.py")
}
SERVICES = set(re.findall(r'service="(\w+)"', "".join(CODE.values())))
REASONS = {"error", "exception", "timeout"} | {
    kind.error
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.SignInError)
}
OF_AWS = {
    "AWS/ApiGateway": {"5xx", "Count", "Latency"},
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
    "AWS/Lambda": {"Duration", "Errors", "Throttles"},
}


@pytest.fixture(scope="module")
def alarms() -> dict[str, dict[str, Any]]:
    values = parameters()
    return of_type(decided(expanded(values), values), "AWS::CloudWatch::Alarm")


def metrics_of(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    for entry in alarm.get("Metrics", []):
        if "MetricStat" in entry:
            yield entry["MetricStat"]["Metric"]


def dashboard() -> list[dict[str, Any]]:
    """Return the widgets; a name that CloudFormation would fill in stands for its value."""
    body = source()["Resources"]["SignInDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(re.sub(r"\$\{([\w:]+)\}", r"\1", body))["widgets"]
    return widgets


def shown() -> set[tuple[str, str]]:
    """Return namespace and name of each metric on the dashboard."""
    found = set()
    for widget in dashboard():
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], str):
                found.add((metric[0].partition("/AWS::")[0], metric[1]))
            else:
                found |= {
                    ("ServerlessSignIn", name)
                    for name in re.findall(r'MetricName="(\w+)"', metric[0]["expression"])
                }
    return found


def test_code_counts_every_metric_that_it_names() -> None:
    names = {n for n, v in vars(observability).items() if isinstance(v, str) and v in METRICS}
    everywhere = "".join(text for text in CODE.values())
    for name in names:
        assert re.search(rf"count\({name}\b", everywhere), name


def test_dashboard_shows_every_metric_and_no_other() -> None:
    assert {name for space, name in shown() if space == "ServerlessSignIn"} == METRICS
    for space, name in shown():
        assert space == "ServerlessSignIn" or name in OF_AWS[space]


def test_widgets_do_not_overlap() -> None:
    places = [(w["x"], w["y"]) for w in dashboard()]
    assert len(set(places)) == len(places)
    assert all(w["x"] + w["width"] <= 24 for w in dashboard())


def test_alarms_watch_existing_metrics(alarms: dict[str, dict[str, Any]]) -> None:
    assert len(alarms) == 12
    for name, alarm in alarms.items():
        watched = list(metrics_of(alarm))
        assert watched, name
        for metric in watched:
            dimensions = {entry["Name"]: entry["Value"] for entry in metric["Dimensions"]}
            if metric["Namespace"] == NAMESPACE:
                assert metric["MetricName"] in METRICS, name
                assert set(dimensions) in ({"service"}, {"service", "reason"}), name
                assert dimensions["service"] in SERVICES, name
                assert dimensions.get("reason", "error") in REASONS, name
            else:
                assert metric["MetricName"] in OF_AWS[metric["Namespace"]], name


def test_every_alarm_notifies_the_topic_and_is_in_the_guide(
    alarms: dict[str, dict[str, Any]],
) -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm["AlarmDescription"].endswith(".")
        assert f"| `{name}` |" in guide, name


def test_alarms_of_rates_need_twenty_requests(alarms: dict[str, dict[str, Any]]) -> None:
    """A single failed request at night wakes nobody."""
    for name in ("SignInRatio", "ServerErrors"):
        (expression,) = [
            entry["Expression"] for entry in alarms[name]["Metrics"] if "Expression" in entry
        ]
        assert expression.startswith("IF(FILL(")
        assert ">= 20," in expression


def test_dead_letters_and_unjudged_messages_roll_back_no_deployment() -> None:
    """Old messages, or those that anybody can send, say nothing about a new version."""
    for resource in source()["Resources"].values():
        preference = resource["Properties"].get("DeploymentPreference", {})
        for name in ("EndingsDeadLetters", "MessagesNotJudged"):
            assert name not in json.dumps(preference)


def test_rollback_alarms_do_not_depend_on_the_api(alarms: dict[str, dict[str, Any]]) -> None:
    """The API depends on the aliases, and their deployments on these alarms: no cycle."""
    for part in ("Auth", "Authorizer", "Notifications"):
        for kind in ("Errors", "Problems"):
            assert "HttpApi" not in json.dumps(alarms[part + kind])


def test_guide_lists_every_metric() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    for name in METRICS:
        assert f"`{name}`" in guide, name


def test_saved_queries_filter_by_texts_that_are_logged() -> None:
    queries = of_type(expanded(parameters()), "AWS::Logs::QueryDefinition")
    everywhere = "".join(CODE.values())
    for name, query in queries.items():
        for group in query["LogGroupNames"]:
            assert group["Ref"] in source()["Resources"], name
        for text in re.findall(r"'([a-z][a-z ]+)'", query["QueryString"]):
            assert text in ("api",) or f'"{text}"' in everywhere, (name, text)
    assert "correlation_id = 'REFERENCE'" in queries["CorrelationQuery"]["QueryString"]
