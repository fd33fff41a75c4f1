"""Five processes' worth of authorizers in one: the same request to all of them at once."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from functions.authorizer.application import Handler, make_handler
from shared.composition import compose
from shared.dynamodb import connect
from shared.provider_http import Answer, ProviderHttp

AT_ONCE = 5
_threads = ThreadPoolExecutor(AT_ONCE)


@cache
def _handlers() -> list[Handler]:
    return [
        make_handler(compose(os.environ, service="authorizer"), asyncio.new_event_loop())
        for _ in range(AT_ONCE)
    ]


def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Every authorizer's answer."""
    return list(_threads.map(lambda ask: ask(event, context), _handlers()))


class _DyingHttp(ProviderHttp):
    async def post_form(self, url: str, form: dict[str, str]) -> Answer:
        if os.environ["DIE_AT"] == "before the token request":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await super().post_form(url, form)
        if os.environ["DIE_AT"] == "after the token request":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def _die(**_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An authorizer that is killed at one point of a refresh, named by `DIE_AT`."""
    client = connect()
    if "dynamodb" in os.environ["DIE_AT"]:
        client.meta.events.register(os.environ["DIE_AT"], _die)
    services = compose(os.environ, service="authorizer", client=client, http=_DyingHttp())
    return make_handler(services)(event, context)
