"""Five processes' worth of authorizers in one: the same request to all of them at once.

Workers alone import this module. Everything is loaded by then, and the table gets all the time that
it needs: how fast a small machine is is not what is tried.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config

from functions.authorizer.application import Handler, make_handler
from shared.composition import compose
from shared.dynamodb import LIMITS
from shared.dynamodb_client import make_client

AT_ONCE = 5


def _authorizer() -> Handler:
    patient = make_client(LIMITS.merge(Config(connect_timeout=20, read_timeout=20)))
    services = compose(os.environ, service="authorizer", client=patient)
    services.logto()
    services.tokens()
    return make_handler(services, asyncio.new_event_loop())


_authorizers = [_authorizer() for _ in range(AT_ONCE)]
_threads = ThreadPoolExecutor(AT_ONCE)


def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Every authorizer's answer."""
    return list(_threads.map(lambda ask: ask(event, context), _authorizers))
