"""`teardown`: remove what `setup` made, and nothing else."""

from contextlib import ExitStack

import typer

from provision.cli import report
from provision.cli.customer import graph_opener
from provision.cli.options import EntraOptions, LeaveEntra, RunOptions, TargetOptions
from provision.cli.setup import plan_and_apply
from provision.cli.target import find_record, find_target, management
from provision.context import context_of
from provision.run import Run
from provision.setup import Outcome
from provision.steps.trust import name_of
from provision.teardown import TeardownServices, tear_down


def teardown(
    invocation: typer.Context,
    target_options: TargetOptions,
    entra_options: EntraOptions,
    run_options: RunOptions,
    manual_entra: LeaveEntra = False,
) -> None:
    """Remove the connectors, their applications at Entra, the webhook and the application that
    `setup` made, and the settings that it wrote. Everything else stays."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    record = find_record(context, target)
    recorded = record.path is not None and record.path.exists()
    with ExitStack() as opened:
        api = opened.enter_context(management(context, target, target_options))
        graph = None if manual_entra else graph_opener(context, entra_options, opened)
        services = TeardownServices(api=api, graph_for=graph, store=target.store)

        def act(run: Run) -> Outcome:
            tear_down(run, services, target.product)
            if not recorded:
                others = ", ".join(f"{name_of(one)} ({one['id']})" for one in api.connectors())
                run.notes.append(
                    f"There is no record at {record.path}, so it is not known which connectors "
                    f"`setup` made. Logto has {others or 'none'}."
                )
            return Outcome.of(run)

        outcome = plan_and_apply(context, target, act, run_options)
    report.show_outcome(context, outcome, run_options)
