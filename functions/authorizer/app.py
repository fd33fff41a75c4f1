"""`functions.authorizer.app.handler`: a Lambda authorizer, payload 2.0 with simple responses.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

import asyncio
import os

from functions.authorizer.application import make_handler
from shared.composition import compose
from shared.snapshot import on_snapshots

_services, _loop = compose(os.environ, service="authorizer"), asyncio.new_event_loop()
handler = make_handler(_services, _loop)
# The SDK too: a restored process has it for nothing, where one that starts would do without.
on_snapshots(os.environ, _services, _loop, lambda: (_services.logto(), _services.tokens()))
