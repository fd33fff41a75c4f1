"""`functions.auth.app.handler`, for API Gateway HTTP API payload 2.0.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

from functions.auth import start  # isort: split

import asyncio
import os

from functions.auth.application import make_handler
from functions.auth.warm_up import make_ready
from shared.bootstrap import compose
from shared.snap_start import on_snapshots

_services = compose(os.environ, service="auth")
_loop = on_snapshots(os.environ, _services, lambda: make_ready(_services))
handler = make_handler(_services, _loop or asyncio.new_event_loop())
start.done()
