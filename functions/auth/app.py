"""`functions.auth.app.handler`, for API Gateway HTTP API payload 2.0.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

from functions.auth import start  # isort: split

import asyncio
import os

from functions.auth.application import make_handler
from shared.composition import compose

handler = make_handler(compose(os.environ, service="auth"), asyncio.new_event_loop())
start.done()
