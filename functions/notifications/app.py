"""`functions.notifications.app.handler`, for API Gateway HTTP API payload 2.0.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

from shared import start  # isort: split

import os

from functions.notifications.application import make_handler
from shared.composition import compose
from shared.dynamodb import LIMITS
from shared.stored_secret import SecretReader, webhook_key

_services = compose(os.environ, service="notifications", needs_app_secret=False)
handler = make_handler(_services, webhook_key(_services.settings, SecretReader(LIMITS)))
start.done()
