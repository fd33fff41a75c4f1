"""`setup connector add|list|update|remove`: the customers of one deployment."""

import json
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from provision.cli import report
from provision.cli.customer import customer_of, graph_opener, setup_services
from provision.cli.groups import command
from provision.cli.options import (
    TRUST,
    TRUST_HELP,
    AsJson,
    CustomerOptions,
    EntraOptions,
    LeaveEntra,
    RunOptions,
    TargetOptions,
    TrustDespiteOthers,
)
from provision.cli.setup import plan_and_apply
from provision.cli.target import find_record, find_target, management
from provision.context import context_of
from provision.desired import Product
from provision.discovery import check_logto
from provision.errors import ProvisionFailed
from provision.output import table
from provision.record import Record
from provision.run import Run
from provision.setup import Outcome, connect
from provision.steps.trust import set_trust
from provision.teardown import TeardownServices, disconnect

app = typer.Typer(
    help="Customers, each with a connector to its own Entra tenant", no_args_is_help=True
)


@command(app, "add")
def add(
    invocation: typer.Context,
    target_options: TargetOptions,
    customer_options: CustomerOptions,
    entra_options: EntraOptions,
    run_options: RunOptions,
) -> None:
    """Connect another customer, or change an existing one."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    check_logto(target.endpoint)
    with ExitStack() as opened:
        api = opened.enter_context(management(context, target, target_options))
        customer = customer_of(context, api, customer_options, entra_options, yes=run_options.yes)
        services = setup_services(
            context, api, target.product, customer_options, entra_options, opened
        )

        def act(run: Run) -> Outcome:
            return Outcome.of(run, connections=(connect(run, services, customer),))

        outcome = plan_and_apply(context, target, act, run_options)
    connectors = report.links(target.product, outcome.connections)
    report.show_outcome(context, outcome, run_options, connectors=connectors)


@command(app, "list")
def list_connectors(
    invocation: typer.Context, target_options: TargetOptions, as_json: AsJson = False
) -> None:
    """List every connector at this Logto, with its sign-in link."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    record = find_record(context, target)
    with management(context, target, target_options) as api:
        rows = [_row(connector, target.product, record) for connector in api.connectors()]
    if as_json:
        print(json.dumps({"connectors": rows}, indent=2))
        return
    # Not a table of Rich's: it would fold the links.
    shown = [{**row, "domains": " ".join(row["domains"])} for row in rows]
    columns = ("name", "customer", "domains", "sign_in_url")
    print(table(columns, shown) if shown else "No connectors.")


@command(app, "update")
def update(
    invocation: typer.Context,
    connector: Annotated[str, typer.Argument(help="name or id of the connector")],
    target_options: TargetOptions,
    run_options: RunOptions,
    trust_unverified_email: Annotated[bool, typer.Option(TRUST, help=TRUST_HELP)],
    trust_despite_other_connectors: TrustDespiteOthers = False,
) -> None:
    """Change whether Logto trusts the addresses of a connector. Microsoft is not needed for it."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    with management(context, target, target_options) as api:

        def act(run: Run) -> Outcome:
            set_trust(
                run,
                api,
                connector,
                trusts=trust_unverified_email,
                despite_others=trust_despite_other_connectors,
            )
            return Outcome.of(run)

        outcome = plan_and_apply(context, target, act, run_options)
    report.show_outcome(context, outcome, run_options)


@command(app, "remove")
def remove(
    invocation: typer.Context,
    connector: Annotated[str, typer.Argument(help="name or id of the connector")],
    target_options: TargetOptions,
    entra_options: EntraOptions,
    run_options: RunOptions,
    manual_entra: LeaveEntra = False,
) -> None:
    """Remove a connector that `setup` made, and its application at Entra."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    with ExitStack() as opened:
        api = opened.enter_context(management(context, target, target_options))
        graph = None if manual_entra else graph_opener(context, entra_options, opened)
        services = TeardownServices(api=api, graph_for=graph, store=target.store)

        def act(run: Run) -> Outcome:
            for recorded in list(run.record.connectors.values()):
                if connector in (recorded.name, recorded.id) and recorded.made:
                    disconnect(run, services, recorded)
                    return Outcome.of(run)
            raise ProvisionFailed(
                f"`setup` made no connector {connector} for {target.product.base_url}.",
                "Remove other connectors in the Logto Console.",
            )

        outcome = plan_and_apply(context, target, act, run_options)
    report.show_outcome(context, outcome, run_options)


def _row(connector: dict[str, Any], product: Product, record: Record) -> dict[str, Any]:
    recorded = [one for one in record.connectors.values() if one.id == connector["id"]]
    return {
        "id": connector["id"],
        "name": connector.get("connectorName"),
        "customer": (connector.get("branding") or {}).get("displayName"),
        "domains": connector.get("domains") or [],
        "issuer": (connector.get("config") or {}).get("issuer"),
        "secret_ends_at": recorded[0].secret_ends_at if recorded else None,
        "sign_in_url": product.sign_in_url(connector["id"]),
    }
