"""The auth function of one of many processes, with limits that suit a small machine.

Only workers import this module.
"""

import asyncio
import os

from functions.auth.application import make_handler
from harness.patience import PATIENT
from shared.bootstrap import compose

handler = make_handler(
    compose(os.environ, service="auth", limits=PATIENT), asyncio.new_event_loop()
)
