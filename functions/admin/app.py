"""`functions.admin.app.handler`, invoked directly. Importing it checks the settings."""

from shared import startup_gc  # isort: split

import os

from functions.admin.application import make_handler
from functions.admin.caller import CallerCheck
from shared.bootstrap import compose

handler = make_handler(
    compose(os.environ, service="admin", needs_app_secret=False), CallerCheck(os.environ)
)
startup_gc.done()
