"""`functions.notifications.app.handler`, for payload 2.0 and SQS. It checks the settings."""

from shared import startup_gc  # isort: split

import os

from functions.notifications.application import make_handler
from shared.bootstrap import compose, secret_reader
from shared.oidc.client_secret import webhook_key

_services = compose(os.environ, service="notifications", needs_app_secret=False)
_limits = _services.limits
handler = make_handler(
    _services, webhook_key(_services.settings, _limits, secret_reader(_limits), _services.clock)
)
startup_gc.done()
