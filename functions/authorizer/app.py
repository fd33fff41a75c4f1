"""`functions.authorizer.app.handler`: a Lambda authorizer, payload 2.0 with simple responses.

Importing it reads the settings, so a deployment that cannot work stops at start and says why.
"""

from shared import start  # isort: split

import os

from functions.authorizer.application import make_handler
from shared.composition import compose

handler = make_handler(compose(os.environ, service="authorizer"))
start.done()
