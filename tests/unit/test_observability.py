"""Logs and metrics: what happened, and nothing of what it happened to."""

import json
import logging
from collections.abc import Iterator

import pytest

from shared.observability import Observer, observer


class Kept(logging.Handler):
    """Keeps each line as the log would have it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[tuple[Observer, Kept]]:
    made = observer("observed")
    logger = logging.getLogger("observed")
    formatter = logger.handlers[0].formatter
    assert formatter is not None
    keeper = Kept(formatter)
    logger.handlers, before = [keeper], logger.handlers
    yield made, keeper
    logger.handlers = before


@pytest.mark.invariant(16)
def test_unexpected_exception_is_logged_by_type_and_place(kept: tuple[Observer, Kept]) -> None:
    made, keeper = kept
    made.begin(correlation_id="id-1", request_id="request-1")
    try:
        raise ValueError("the-secret")
    except ValueError as failure:
        made.fault(failure)
    (line,) = keeper.lines
    read = json.loads(line)
    assert "the-secret" not in line
    assert read["exception"] == "ValueError"
    assert read["correlation_id"] == "id-1"
    assert any("test_observability.py" in place for place in read["places"])


def test_nothing_of_one_request_is_on_the_lines_of_the_next(kept: tuple[Observer, Kept]) -> None:
    made, keeper = kept
    made.begin(correlation_id="id-1", request_id="request-1")
    made.event("first", reason="one")
    made.begin(correlation_id="id-2", request_id="request-2")
    made.problem("second")
    first, second = (json.loads(line) for line in keeper.lines)
    assert (first["reason"], first["level"]) == ("one", "INFO")
    assert (second["correlation_id"], second["level"]) == ("id-2", "ERROR")
    assert "reason" not in second


@pytest.mark.parametrize("disabled", [True, False])
def test_metrics_follow_powertools_own_setting(
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


def test_a_deployment_has_a_namespace_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "ServerlessSignIn/staging")
    observer("observed").count("SignedOut")
    assert metrics_of(capsys.readouterr().out) == [("ServerlessSignIn/staging", "SignedOut", None)]


def test_only_the_first_request_of_a_process_is_a_cold_start(
    kept: tuple[Observer, Kept], capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = kept
    made.begin(correlation_id="id-1", request_id="request-1")
    made.begin(correlation_id="id-2", request_id="request-2")
    assert metrics_of(capsys.readouterr().out) == [("ServerlessSignIn", "ColdStart", None)]


def test_what_an_operator_should_look_at_is_counted(
    kept: tuple[Observer, Kept], capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = kept
    made.event("all is well", reason="session_required")
    made.problem("not well", reason="table_unavailable")
    made.fault(ValueError("the-secret"))
    out = capsys.readouterr().out
    assert "the-secret" not in out
    assert metrics_of(out) == [
        ("ServerlessSignIn", "Problems", "table_unavailable"),
        ("ServerlessSignIn", "Problems", "exception"),
    ]
