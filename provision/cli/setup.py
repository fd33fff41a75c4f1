"""`setup`: make everything that Entra sign-in needs, from nothing or from what is there."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from provision.cli import report
from provision.cli.customer import customer_of, setup_services
from provision.cli.groups import grouped
from provision.cli.options import CustomerOptions, EntraOptions, RunOptions, TargetOptions
from provision.cli.target import Target, find_record, find_target, management
from provision.context import Context, context_of
from provision.desired import DEFAULT_NAME, product_name
from provision.discovery import check_logto
from provision.product_settings import check_start
from provision.run import Run
from provision.setup import Outcome, set_up
from provision.waiting import step

Act = Callable[[Run], Outcome]

app = typer.Typer(help="Set up Logto, Entra ID and the settings", invoke_without_command=True)


def setup(
    invocation: typer.Context,
    target_options: TargetOptions,
    customer_options: CustomerOptions,
    entra_options: EntraOptions,
    run_options: RunOptions,
    name: Annotated[str, typer.Option("--name", help="name of the product")] = DEFAULT_NAME,
    adopt: Annotated[
        str | None, typer.Option("--adopt", help="use the application with this id at Logto")
    ] = None,
    default_connector: Annotated[
        bool, typer.Option("--default-connector", help="send every sign-in to this customer")
    ] = False,
) -> None:
    """Set up the application and the connector at Logto, the application at Entra, the webhook,
    and the settings. Run it again to finish an interrupted run or to change something: what is
    right already stays as it is."""
    if invocation.invoked_subcommand is not None:
        return
    context = context_of(invocation)
    name = product_name(name)
    target = find_target(context, target_options, name=name)
    effective = target.store.effective()
    check_start(
        {"BRAND_NAME": name, **effective, "LOGTO_ENDPOINT": target.endpoint},
        place=target.store.place,
        on_aws=target.stack is not None,
    )
    check_logto(target.endpoint)
    with ExitStack() as opened:
        api = opened.enter_context(management(context, target, target_options))
        customer = customer_of(context, api, customer_options, entra_options, yes=run_options.yes)
        act = partial(
            set_up,
            services=setup_services(
                context, api, target.product, customer_options, entra_options, opened
            ),
            product=target.product,
            customers=(customer,),
            store=target.store,
            adopt=adopt,
            default_connector=default_connector,
        )
        outcome = plan_and_apply(context, target, act, run_options)
    report.show_outcome(
        context,
        outcome,
        run_options,
        application=outcome.application,
        connectors=report.links(target.product, outcome.connections),
    )


def plan_and_apply(context: Context, target: Target, act: Act, options: RunOptions) -> Outcome:
    """Plan without changing anything, show the plan, ask, and apply it.

    The same code plans and applies, so a plan cannot differ from what is done. Raises
    ProvisionFailed, and typer.Exit if the answer is no.
    """
    record = find_record(context, target)
    record.check_writable()
    plan = act(Run(record=record, dry_run=True))
    if plan.changes and not (options.as_json and (options.yes or options.dry_run)):
        report.show_changes(context, plan.changes)
    if not (options.as_json and (options.yes or options.dry_run)):
        report.show_warnings(context, plan.warnings)
    if options.dry_run:
        return plan
    if plan.changes and not options.yes and not context.confirm("Go on?", "--yes"):
        context.err.print("Nothing was changed.")
        raise typer.Exit(1)
    # Planning has changed the record that it was given: the real run starts from the file.
    record = find_record(context, target)
    return act(Run(record=record, pause=context.pause, progress=step))


app.callback()(grouped(setup))
