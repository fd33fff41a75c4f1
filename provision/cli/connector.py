"""`setup connector add|list|remove`: further customers of one deployment."""

import json
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from provision.cli import report
from provision.cli.customer import customer_of, graph_of, means_of
from provision.cli.groups import command
from provision.cli.options import AsJson, CustomerOptions, Entra, How, LeaveEntra, Where
from provision.cli.setup import planned_then_done
from provision.cli.target import find_endpoint, find_place, find_record, management
from provision.context import world_of
from provision.desired import Product
from provision.errors import ProvisionFailed
from provision.output import table
from provision.record import Record
from provision.run import Run
from provision.setup import Outcome, connect
from provision.teardown import Tools, disconnect

app = typer.Typer(help="Customers: one connector to each one's Entra tenant", no_args_is_help=True)


@command(app, "add")
def add(
    context: typer.Context, where: Where, customer: CustomerOptions, entra: Entra, how: How
) -> None:
    """Connect one more customer, or change one that is there."""
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    product = Product(name="", base_url=place.base_url)
    with ExitStack() as opened:
        api = opened.enter_context(management(world, endpoint, where))
        wanted = customer_of(world, api, customer, entra, yes=how.yes)
        means = means_of(world, api, customer, entra, opened)

        def act(run: Run) -> Outcome:
            connection = connect(run, means, wanted)
            return Outcome.of(run, connections=(connection,))

        outcome = planned_then_done(world, endpoint, product, act, how)
    connectors = report.links(product, outcome.connections)
    report.show_outcome(world, outcome, how, connectors=connectors)


@command(app, "list")
def list_connectors(context: typer.Context, where: Where, as_json: AsJson = False) -> None:
    """Every connector at this Logto, with its sign-in link."""
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    product = Product(name="", base_url=place.base_url)
    record = find_record(world, endpoint, place.base_url)
    with management(world, endpoint, where) as api:
        found = [_shown(one, product, record) for one in api.connectors()]
    if as_json:
        print(json.dumps({"connectors": found}, indent=2))
        return
    # Not a table of Rich's: it would fold the links.
    rows = [{**one, "domains": " ".join(one["domains"])} for one in found]
    print(table(("name", "customer", "domains", "sign_in_url"), rows) if rows else "No connectors.")


@command(app, "remove")
def remove(
    context: typer.Context,
    connector: Annotated[str, typer.Argument(help="its name or id")],
    where: Where,
    entra: Entra,
    how: How,
    manual_entra: LeaveEntra = False,
) -> None:
    """Remove a connector that `setup` made, and its application at Entra."""
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    product = Product(name="", base_url=place.base_url)
    with ExitStack() as opened:
        api = opened.enter_context(management(world, endpoint, where))
        graph = None if manual_entra else graph_of(world, entra, opened)
        tools = Tools(api=api, graph_of=graph, store=place.store)

        def act(run: Run) -> Outcome:
            for made in list(run.record.connectors.values()):
                if connector in (made.name, made.id) and made.made:
                    disconnect(run, tools, made)
                    return Outcome.of(run)
            raise ProvisionFailed(
                f"`setup` made no connector {connector} for {product.base_url}: remove others in "
                "the Logto Console"
            )

        outcome = planned_then_done(world, endpoint, product, act, how)
    report.show_outcome(world, outcome, how)


def _shown(one: dict[str, Any], product: Product, record: Record) -> dict[str, Any]:
    known = [made for made in record.connectors.values() if made.id == one["id"]]
    return {
        "id": one["id"],
        "name": one.get("connectorName"),
        "customer": (one.get("branding") or {}).get("displayName"),
        "domains": one.get("domains") or [],
        "issuer": (one.get("config") or {}).get("issuer"),
        "secret_ends_at": known[0].secret_ends_at if known else None,
        "sign_in_url": product.sign_in_url(one["id"]),
    }
