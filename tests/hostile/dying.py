"""The handler of a process that is killed at one point of a callback, named by `DIE_AT`."""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any

from functions.auth.application import make_handler
from harness.patience import PATIENT
from shared.bootstrap import compose
from shared.clock import Deadline
from shared.oidc.http_client import HttpClient, Response
from shared.store.dynamodb import connect


def die(**_: Any) -> None:
    """Kill this process without any cleanup, as when Lambda removes an environment."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingHttp(HttpClient):
    """Dies before or after the token request."""

    def post_form(self, url: str, form: Mapping[str, str], *, deadline: Deadline) -> Response:
        if os.environ["DIE_AT"] == "before the token request":
            die()
        response = super().post_form(url, form, deadline=deadline)
        if os.environ["DIE_AT"] == "after the token request":
            die()
        return response


_client = connect(PATIENT)
if "dynamodb" in os.environ["DIE_AT"]:
    _client.meta.events.register(os.environ["DIE_AT"], die)
handler = make_handler(
    compose(
        os.environ,
        service="auth",
        client=_client,
        http=DyingHttp(limits=PATIENT),
        limits=PATIENT,
    ),
    asyncio.new_event_loop(),
)
