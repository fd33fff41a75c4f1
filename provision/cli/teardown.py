"""`teardown`: removes what `setup` made, and nothing else."""

from contextlib import ExitStack

import typer

from provision.cli import report
from provision.cli.customer import graph_of
from provision.cli.options import Entra, How, LeaveEntra, Where
from provision.cli.setup import planned_then_done
from provision.cli.target import find_endpoint, find_place, find_record, management
from provision.context import world_of
from provision.desired import Product
from provision.run import Run
from provision.setup import Outcome
from provision.teardown import Tools, tear_down


def teardown(
    context: typer.Context, where: Where, entra: Entra, how: How, manual_entra: LeaveEntra = False
) -> None:
    """Remove the connectors, their applications at Entra, the webhook and the application that
    `setup` made, and the settings that it wrote. What others made stays."""
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    product = Product(name="", base_url=place.base_url)
    record = find_record(world, endpoint, place.base_url)
    recorded = record.path is not None and record.path.exists()
    with ExitStack() as opened:
        api = opened.enter_context(management(world, endpoint, where))
        graph = None if manual_entra else graph_of(world, entra, opened)
        tools = Tools(api=api, graph_of=graph, store=place.store)

        def act(run: Run) -> Outcome:
            tear_down(run, tools, product)
            if not recorded:
                run.notes.append(
                    f"There is no record at {record.path}: connectors that `setup` made, if any, "
                    "are not known."
                )
            return Outcome.of(run)

        outcome = planned_then_done(world, endpoint, product, act, how)
    report.show_outcome(world, outcome, how)
