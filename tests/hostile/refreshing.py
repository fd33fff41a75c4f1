"""An authorizer that dies in the middle of a refresh. Workers alone import this module."""

import os
import signal
from typing import Any

from functions.authorizer.application import make_handler
from shared.bootstrap import compose
from shared.oidc.http_client import Answer, ProviderHttp
from shared.store.dynamodb import connect
from tests.hostile.waiting import PATIENT
from tests.support.patience import be_patient


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
    be_patient()
    client = connect()
    if "dynamodb" in os.environ["DIE_AT"]:
        client.meta.events.register(os.environ["DIE_AT"], _die)
    services = compose(
        os.environ, service="authorizer", client=client, http=_DyingHttp(timeout_seconds=PATIENT)
    )
    return make_handler(services)(event, context)
