"""The handler of a process that is killed at one point of a callback, named by `DIE_AT`."""

import asyncio
import os
import signal
from typing import Any

from functions.auth.application import make_handler
from shared.bootstrap import compose
from shared.oidc.http_client import Answer, ProviderHttp
from shared.store.dynamodb import connect
from tests.hostile.waiting import PATIENT
from tests.support.patience import be_patient


def die(**_: Any) -> None:
    """As when Lambda takes the environment away: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingHttp(ProviderHttp):
    """Dies around the token request."""

    async def post_form(self, url: str, form: dict[str, str]) -> Answer:
        if os.environ["DIE_AT"] == "before the token request":
            die()
        answer = await super().post_form(url, form)
        if os.environ["DIE_AT"] == "after the token request":
            die()
        return answer


be_patient()
_client = connect()
if "dynamodb" in os.environ["DIE_AT"]:
    _client.meta.events.register(os.environ["DIE_AT"], die)
handler = make_handler(
    compose(os.environ, service="auth", client=_client, http=DyingHttp(timeout_seconds=PATIENT)),
    asyncio.new_event_loop(),
)
