"""Five processes' worth of authorizers in one: the same request to all of them at once.

Workers alone import this module. Everything is loaded by then, and nobody's time runs out: that one
refreshes is tried, and not how fast a small machine runs fifty.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions.authorizer import token_refresh as access_tokens
from functions.authorizer import waiting
from functions.authorizer.application import Handler, make_handler
from shared.bootstrap import compose
from shared.oidc.http_client import ProviderHttp
from tests.hostile.waiting import PATIENT
from tests.support.patience import be_patient

AT_ONCE = 5

be_patient()
access_tokens.PROVIDER_SECONDS = access_tokens.WAIT_SECONDS = waiting.ANSWER_SECONDS = PATIENT
access_tokens.LEASE_SECONDS = 2 * PATIENT


def _authorizer() -> Handler:
    http = ProviderHttp(timeout_seconds=PATIENT)
    services = compose(os.environ, service="authorizer", http=http)
    services.logto()
    services.leases()
    return make_handler(services, asyncio.new_event_loop())


_authorizers = [_authorizer() for _ in range(AT_ONCE)]
_threads = ThreadPoolExecutor(AT_ONCE)


def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Every authorizer's answer."""
    return list(_threads.map(lambda ask: ask(event, context), _authorizers))
