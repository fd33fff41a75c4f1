"""Traces: subsegments without secrets if they are on, and no SDK if they are off.

Powertools and the X-Ray SDK remember for the life of a process whether they are on, so each test
that turns them on has a process of its own.
"""

import json
import os
import subprocess
import sys

import pytest

from shared.observability import no_span, spans

_TRACED = """
import json
from aws_xray_sdk.core import xray_recorder
from shared.observability import no_span, spans

class Emitter:
    documents = []
    def send_entity(self, entity):
        self.documents.append(json.loads(entity.serialize()))

xray_recorder.configure(emitter=Emitter(), context_missing="RUNTIME_ERROR")
span = spans({"POWERTOOLS_TRACE_DISABLED": "false"}, service="auth")
assert span is not no_span
with span("DynamoDB get_item"):
    pass
try:
    with span("Logto POST"):
        raise ValueError("the-secret-text")
except ValueError:
    pass
print(json.dumps(Emitter.documents))
"""
_UNTRACED = """
import sys
import functions.auth.app
assert "aws_xray_sdk" not in sys.modules
assert "logto" not in sys.modules and "jinja2" not in sys.modules
"""


def run(program: str, **variables: str) -> str:
    """Return what a program prints in a process with these variables."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("value", [None, "true", "TRUE", "1", "yes", ""])
def test_tracing_is_off_unless_it_is_turned_on(value: str | None) -> None:
    environment = {} if value is None else {"POWERTOOLS_TRACE_DISABLED": value}
    assert spans(environment, service="auth") == no_span


@pytest.mark.invariant(16)
def test_subsegments_carry_only_their_names() -> None:
    out = run(
        _TRACED,
        LAMBDA_TASK_ROOT="/var/task",
        POWERTOOLS_TRACE_DISABLED="false",
        _X_AMZN_TRACE_ID="Root=1-67890abc-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
    )
    read, sent = json.loads(out)
    assert (read["name"], sent["name"]) == ("DynamoDB get_item", "Logto POST")
    assert sent["fault"] is True
    assert "the-secret-text" not in out


def test_neither_tracing_nor_the_sdk_is_loaded_at_start() -> None:
    run(
        _UNTRACED,
        LOGTO_ENDPOINT="https://tenant.logto.app",
        LOGTO_APP_ID="app",
        LOGTO_APP_SECRET="secret",
        TABLE_NAME="table",
    )
