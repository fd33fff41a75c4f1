"""Five authorizers in one process, which get the same request at once.

Only workers import this module. Everything is loaded by then, and no limit is reached: the tests
check that one request refreshes, not how fast a small machine runs fifty.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from functions.authorizer.application import Handler, make_handler
from harness.patience import PATIENT
from shared.bootstrap import compose

AT_ONCE = 5
LEASE_SECONDS = 120.0


def _authorizer() -> Handler:
    # moto answers 500 now and then when many transactions meet: that is not what is tried.
    limits = replace(
        PATIENT, lease_seconds=LEASE_SECONDS, aws_attempts=10, aws_retry_pause_seconds=0.05
    )
    services = compose(os.environ, service="authorizer", limits=limits)
    services.logto()
    services.leases()
    return make_handler(services)


_authorizers = [_authorizer() for _ in range(AT_ONCE)]
_threads = ThreadPoolExecutor(AT_ONCE)


def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Return every authorizer's answer."""
    return list(_threads.map(lambda ask: ask(event, context), _authorizers))
