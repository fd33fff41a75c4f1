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
