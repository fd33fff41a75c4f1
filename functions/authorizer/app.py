"""`functions.authorizer.app.handler`, payload 2.0, simple responses. It checks the settings."""

from shared import startup_gc  # isort: split

import os

from functions.authorizer.application import make_handler
from shared.bootstrap import compose
from shared.snap_start import on_snapshots

_services = compose(os.environ, service="authorizer")
# With SnapStart the SDK too: a restored process has it at no cost, when others do without.
on_snapshots(os.environ, _services, lambda: (_services.logto(), _services.leases()))
handler = make_handler(_services)
startup_gc.done()
