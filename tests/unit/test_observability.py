"""Logs and metrics: they report events, and never the text of an exception."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from shared.observability import Observer, observer


class LogLines(logging.Handler):
    """Collects each line as it would be logged."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def observed() -> Iterator[tuple[Observer, LogLines]]:
    tested = observer("observed")
    logger = logging.getLogger("observed")
    formatter = logger.handlers[0].formatter
    assert formatter is not None
    log = LogLines(formatter)
    logger.handlers, before = [log], logger.handlers
    yield tested, log
    logger.handlers = before


@pytest.mark.invariant(16)
def test_unexpected_exception_is_logged_by_type_and_place(
    observed: tuple[Observer, LogLines],
) -> None:
    tested, log = observed
    tested.begin(SimpleNamespace(aws_request_id="request-1"), correlation_id="id-1")
    try:
        raise ValueError("the-secret")
    except ValueError as failure:
        tested.fault(failure)
    (line,) = log.lines
    read = json.loads(line)
    assert "the-secret" not in line
    assert read["exception"] == "ValueError"
    assert read["correlation_id"] == "id-1"
    assert any("test_observability.py" in place for place in read["places"])


def test_lines_of_a_request_carry_no_values_of_the_request_before(
    observed: tuple[Observer, LogLines],
) -> None:
    tested, log = observed
    tested.begin(SimpleNamespace(aws_request_id="request-1"), correlation_id="id-1")
    tested.event("first", reason="one")
    tested.begin(SimpleNamespace(aws_request_id="request-2"), correlation_id="id-2")
    tested.problem("second")
    first, second = (json.loads(line) for line in log.lines)
    assert (first["reason"], first["level"]) == ("one", "INFO")
    assert (second["correlation_id"], second["level"]) == ("id-2", "ERROR")
    assert "reason" not in second


@pytest.mark.parametrize("disabled", [True, False])
def test_metrics_follow_the_setting_of_powertools(
    disabled: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", str(disabled).lower())
    observer("observed").count("SignInFailed", reason="why")
    out = capsys.readouterr().out
    assert bool(out) is not disabled
    if out:
        line = json.loads(out)
        assert line["reason"] == "why"
        assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ServerlessSignIn"
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
            ["service"],
            ["service", "reason"],
        ]


def metrics_of(out: str) -> list[tuple[str, str, str | None]]:
    lines = [json.loads(line) for line in out.splitlines()]
    return [
        (directive["Namespace"], definition["Name"], line.get("reason"))
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for definition in directive["Metrics"]
    ]


def test_namespace_of_the_metrics_can_be_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "ServerlessSignIn/staging")
    observer("observed").count("SignedOut")
    assert metrics_of(capsys.readouterr().out) == [("ServerlessSignIn/staging", "SignedOut", None)]


def test_only_the_first_request_of_a_process_is_a_cold_start(
    observed: tuple[Observer, LogLines], capsys: pytest.CaptureFixture[str]
) -> None:
    tested, _ = observed
    tested.begin(SimpleNamespace(aws_request_id="request-1"), correlation_id="id-1")
    tested.begin(SimpleNamespace(aws_request_id="request-2"), correlation_id="id-2")
    assert metrics_of(capsys.readouterr().out) == [("ServerlessSignIn", "ColdStart", None)]


def test_problems_for_the_operator_are_counted(
    observed: tuple[Observer, LogLines], capsys: pytest.CaptureFixture[str]
) -> None:
    tested, _ = observed
    tested.event("all is well", reason="session_required")
    tested.problem("not well", reason="table_unavailable")
    tested.fault(ValueError("the-secret"))
    out = capsys.readouterr().out
    assert "the-secret" not in out
    assert metrics_of(out) == [
        ("ServerlessSignIn", "Problems", "table_unavailable"),
        ("ServerlessSignIn", "Problems", "exception"),
    ]
