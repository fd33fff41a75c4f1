"""`functions.notifications.app.handler`, for API Gateway HTTP API payload 2.0.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

from shared import startup_gc as start  # isort: split

import os

from functions.notifications.application import make_handler
from shared.bootstrap import compose
from shared.oidc.client_secret import SecretReader, webhook_key
from shared.store.dynamodb import LIMITS

_services = compose(os.environ, service="notifications", needs_app_secret=False)
handler = make_handler(_services, webhook_key(_services.settings, SecretReader(LIMITS)))
start.done()
