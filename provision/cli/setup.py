"""`setup`: from nothing, or from whatever is there, to Entra sign-in."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from provision.cli import report
from provision.cli.customer import customer_of, means_of
from provision.cli.groups import grouped
from provision.cli.options import CustomerOptions, Entra, How, Where
from provision.cli.target import find_endpoint, find_place, find_record, management
from provision.context import World, world_of
from provision.desired import DEFAULT_NAME, Product
from provision.run import Run
from provision.setup import Outcome, set_up

Act = Callable[[Run], Outcome]

app = typer.Typer(help="Set up Logto, Entra ID and the settings", invoke_without_command=True)


def setup(
    context: typer.Context,
    where: Where,
    customer: CustomerOptions,
    entra: Entra,
    how: How,
    name: Annotated[str, typer.Option("--name", help="the product's name")] = DEFAULT_NAME,
    adopt: Annotated[
        str | None, typer.Option("--adopt", help="use the application with this id at Logto")
    ] = None,
    default_connector: Annotated[
        bool, typer.Option("--default-connector", help="send everybody straight to this customer")
    ] = False,
) -> None:
    """Make the application, the connector, the application at Entra, the webhook and the settings
    what they have to be. Run it again to finish, or to change something: what is right stays."""
    if context.invoked_subcommand is not None:
        return
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    product = Product(name=name, base_url=place.base_url)
    with ExitStack() as opened:
        api = opened.enter_context(management(world, endpoint, where))
        wanted = customer_of(world, api, customer, entra, yes=how.yes)
        act = partial(
            set_up,
            means=means_of(world, api, customer, entra, opened),
            product=product,
            customers=(wanted,),
            store=place.store,
            adopt=adopt,
            default_connector=default_connector,
        )
        outcome = planned_then_done(world, endpoint, product, act, how)
    report.show_outcome(
        world,
        outcome,
        how,
        application=outcome.application,
        connectors=report.links(product, outcome.connections),
    )


def planned_then_done(world: World, endpoint: str, product: Product, act: Act, how: How) -> Outcome:
    """Plan without changing anything, show it, ask, and do it by the same code.

    Raises ProvisionFailed, and typer.Exit where the answer is no.
    """
    planned = find_record(world, endpoint, product.base_url)
    planned.check_writable()
    plan = act(Run(record=planned, dry=True))
    if plan.changes and not (how.as_json and (how.yes or how.dry_run)):
        report.show_changes(world, plan.changes)
    if how.dry_run:
        return plan
    if plan.changes and not how.yes and not world.confirm("Go on?", "--yes"):
        world.err.print("Nothing was changed.")
        raise typer.Exit(1)
    record = find_record(world, endpoint, product.base_url)
    progress = partial(report.progress, world)
    return act(Run(record=record, pause=world.pause, progress=progress))


app.callback()(grouped(setup))
