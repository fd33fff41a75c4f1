"""`functions.notifications.app.handler`, for payload 2.0 and SQS. It checks the settings."""

from shared import startup_gc  # isort: split

import os

from functions.notifications.application import make_handler
from shared.bootstrap import compose
from shared.oidc.client_secret import SecretReader, webhook_key

_services = compose(os.environ, service="notifications", needs_app_secret=False)
_limits = _services.limits
handler = make_handler(
    _services, webhook_key(_services.settings, _limits, SecretReader(_limits), _services.clock)
)
startup_gc.done()
