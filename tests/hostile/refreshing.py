"""An authorizer that is killed in the middle of a refresh. Only workers import this module."""

import os
from typing import Any

from functions.authorizer.application import make_handler
from harness.patience import PATIENT
from shared.bootstrap import compose
from shared.store.dynamodb import connect
from tests.hostile.dying import DyingHttp, die


def dying(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer as an authorizer that is killed at one point of a refresh, named by `DIE_AT`."""
    client = connect(PATIENT)
    if "dynamodb" in os.environ["DIE_AT"]:
        client.meta.events.register(os.environ["DIE_AT"], die)
    http = DyingHttp(limits=PATIENT)
    services = compose(os.environ, service="authorizer", client=client, http=http, limits=PATIENT)
    return make_handler(services)(event, context)
