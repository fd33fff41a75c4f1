"""The auth function of one of many processes, which wait for the table and the provider for as long
as a small machine takes to run them all. Workers alone import this module."""

import asyncio
import os

from functions.auth import boundary
from functions.auth.application import make_handler
from shared.bootstrap import compose
from shared.oidc.http_client import ProviderHttp
from tests.hostile.waiting import PATIENT
from tests.support.patience import be_patient

be_patient()
boundary.ANSWER_SECONDS = PATIENT
handler = make_handler(
    compose(os.environ, service="auth", http=ProviderHttp(timeout_seconds=PATIENT)),
    asyncio.new_event_loop(),
)
