"""`setup rotate-secret`: replace the application's secret, with no sign-in lost."""

from typing import Annotated

import typer

from provision.cli import report
from provision.cli.options import RunOptions, TargetOptions
from provision.cli.setup import plan_and_apply
from provision.cli.target import find_target, management
from provision.context import context_of
from provision.discovery import check_logto
from provision.rotation import ENV_FILE_SECONDS, STACK_SECONDS, RotationServices, rotate
from provision.run import Run
from provision.setup import Outcome


def rotate_secret(
    invocation: typer.Context,
    target_options: TargetOptions,
    run_options: RunOptions,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="wait, and then remove the old secret")
    ] = True,
) -> None:
    """Replace the application's secret: add one at Logto, store it, wait until every process has
    it (an hour for a stack), and remove the old one. Run it again to finish an interrupted
    rotation."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    check_logto(target.endpoint)
    seconds = ENV_FILE_SECONDS if target.stack is None else STACK_SECONDS
    with management(context, target, target_options) as api:
        services = RotationServices(
            api=api,
            store=target.store,
            clock=context.clock,
            wait_seconds=seconds if wait else None,
        )

        def act(run: Run) -> Outcome:
            rotate(run, services)
            return Outcome.of(run)

        outcome = plan_and_apply(context, target, act, run_options)
    report.show_outcome(context, outcome, run_options)
