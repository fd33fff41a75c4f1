"""`python -m provision sessions ...`: list, end and erase the sessions of a deployment."""

import argparse
import sys

from provision import sessions
from provision.admin_function import ActionRefused, AdminFunction, local_function, stack_function


def main(arguments: list[str] | None = None) -> int:
    """0 when done, 1 where the deployment refuses or fails, 2 for a mistake in the command."""
    parser = argparse.ArgumentParser(prog="python -m provision", description=__doc__)
    topics = parser.add_subparsers(dest="topic", required=True)
    sessions.add_commands(topics.add_parser("sessions", help="sessions of users"))
    options = parser.parse_args(arguments)
    try:
        done: int = options.run(options, _function(options))
    except ActionRefused as failure:
        print(failure, file=sys.stderr)
        return 1
    return done


def _function(options: argparse.Namespace) -> AdminFunction:
    if options.local:
        return local_function()
    return stack_function(options.stack_name, options.function, options.region, options.profile)


if __name__ == "__main__":
    sys.exit(main())
