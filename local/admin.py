"""`python -m local.admin`: the admin function over the table of the stack that `make up` runs.

Reads one event as JSON from standard input and writes the answer to standard output, as
`aws lambda invoke` does with a deployed function. `python -m provision sessions --local` runs it.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from functions.admin.application import make_handler
from local.options import ROOT, OptionsInvalid, read_options
from local.stack import functions_environment
from local.table import isolate_from_aws
from shared.bootstrap import compose


def answer_to(event: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    """Answer one event. Raises OptionsInvalid.

    Nobody proves who they are: there is no IAM on this machine, and the table holds test data.
    """
    options = read_options(environment, ROOT / ".env")
    isolate_from_aws(os.environ)
    os.environ.update(functions_environment(options))
    services = compose(os.environ, service="admin", needs_app_secret=False)
    return make_handler(services, lambda *_: "local")(event, None)


def main() -> int:
    """Return 0 after an answer, 2 if the options of the local stack are not valid."""
    event = json.load(sys.stdin)
    try:
        with redirect_stdout(sys.stderr):  # logs go there: standard output holds the answer alone
            answer = answer_to(event, os.environ)
    except OptionsInvalid as failure:
        print(failure, file=sys.stderr)
        return 2
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
