"""`functions.auth.app.handler`, for API Gateway HTTP API payload 2.0.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

import asyncio
import os

from functions.auth.application import make_handler
from functions.auth.ready import make_ready
from shared.composition import compose
from shared.snapshot import on_snapshots

_services, _loop = compose(os.environ, service="auth"), asyncio.new_event_loop()
handler = make_handler(_services, _loop)
on_snapshots(os.environ, _services, _loop, lambda: make_ready(_services))
