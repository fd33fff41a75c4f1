"""`functions.auth.app.handler`, for HTTP API payload 2.0. Importing it checks the settings."""

from shared import startup_gc  # isort: split

import asyncio
import os

from functions.auth import deferred_fastapi  # noqa: F401 # isort: split
from functions.auth.application import make_handler
from functions.auth.warm_up import warm_up
from shared.bootstrap import compose
from shared.snap_start import on_snapshots

_services = compose(os.environ, service="auth")
on_snapshots(os.environ, _services, lambda: warm_up(_services))
handler = make_handler(_services, asyncio.new_event_loop())
startup_gc.done()
