"""`doctor`: says what is right, what is not, and what to do about it."""

import json
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from provision.cli import report
from provision.cli.customer import graph_of
from provision.cli.options import AsJson, Entra, Where
from provision.cli.target import (
    Place,
    find_endpoint,
    find_place,
    find_record,
    has_management,
    management,
)
from provision.context import World, world_of
from provision.desired import Product
from provision.doctor.collect_aws import NO_STACK, look_at_stack, look_at_table
from provision.doctor.collect_logto import look_at_logto
from provision.doctor.collect_management import Managed, look_at_management
from provision.doctor.collect_site import look_at_site
from provision.doctor.diagnose import diagnose
from provision.doctor.finding import Finding, Status
from provision.doctor.observed import Seen, Unseen
from provision.errors import ProvisionFailed
from shared.errors import SettingsInvalid
from shared.settings import Settings

_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "unknown": "dim"}
_ROUTES = "ACCESS_TOKEN_ROUTES"
_SECRETS = ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY")


def doctor(
    context: typer.Context,
    where: Where,
    entra: Entra,
    check_entra: Annotated[
        bool | None,
        typer.Option(
            "--check-entra/--no-check-entra",
            help="sign in to Microsoft and look there too [where AZURE_CLIENT_ID is set]",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a set-up without changing it. Exit code 0 where nothing fails, else 1."""
    world = world_of(context)
    place = find_place(world, where)
    endpoint = find_endpoint(world, place, where)
    with report.progress(world, "Looking"):
        seen = look(world, where, entra, place, endpoint, check_entra=check_entra)
    findings = diagnose(seen)
    if as_json:
        print(json.dumps({"findings": [_told(one) for one in findings]}, indent=2))
    else:
        _show(world, findings)
    if any(one.status is Status.FAIL for one in findings):
        raise typer.Exit(1)


def look(
    world: World,
    where: Where,
    entra: Entra,
    place: Place,
    endpoint: str,
    *,
    check_entra: bool | None,
) -> Seen:
    """Everything that can be seen with what was given. Raises ProvisionFailed."""
    product = Product(name="", base_url=place.base_url)
    variables = _variables(place)
    app_id = None if isinstance(variables, Unseen) else variables.get("LOGTO_APP_ID") or None
    now = world.clock()
    at_logto = look_at_logto(
        endpoint, product, app_id=app_id, app_secret=_app_secret(place), now=now
    )
    if check_entra is None:
        check_entra = bool(world.environment.get("AZURE_CLIENT_ID"))
    managed = Managed()
    if has_management(world, where):
        with ExitStack() as opened:
            api = opened.enter_context(management(world, endpoint, where))
            graph = graph_of(world, entra, opened) if check_entra else None
            managed = look_at_management(api, product, app_id=app_id, graph_of=graph)
    site = look_at_site(product, managed.hook, now=now)
    recorded = find_record(world, endpoint, place.base_url).connectors.values()
    stack, session = place.stack, place.session
    return Seen(
        now=now,
        product=product,
        endpoint=endpoint,
        variables=variables,
        settings_fault=None if isinstance(variables, Unseen) else _fault(place, variables),
        discovery=at_logto.discovery,
        ahead_seconds=at_logto.ahead_seconds,
        keys=at_logto.keys,
        token_error=at_logto.token_error,
        redirect=at_logto.redirect,
        sign_out=at_logto.sign_out,
        management=managed.management,
        application=managed.application,
        hook=managed.hook,
        connectors=managed.connectors,
        single_sign_on=managed.single_sign_on,
        issuers=managed.issuers,
        registrations=managed.registrations,
        recorded_ends={
            one.id: one.secret_ends_at for one in recorded if one.id and one.secret_ends_at
        },
        home=site.home,
        sign_in=site.sign_in,
        me=site.me,
        backchannel=site.backchannel,
        webhook=site.webhook,
        table=look_at_table(session, stack) if session and stack else NO_STACK,
        deployed=look_at_stack(session, stack) if session and stack else NO_STACK,
    )


def _variables(place: Place) -> dict[str, str] | Unseen:
    """The product's settings, without secrets."""
    if not place.settings:
        return Unseen("there are no settings to read: name a stack, or an --env-file that exists")
    return {name: value for name, value in place.settings.items() if name not in _SECRETS}


def _fault(place: Place, variables: dict[str, str]) -> str | None:
    """What a process would not start with. The texts of SettingsInvalid hold no values."""
    given = {**place.settings, "BASE_URL": place.settings.get("BASE_URL") or place.base_url}
    if place.stack is not None:
        given["TABLE_NAME"] = place.stack.outputs.get("TableName", "")
        given["LOGTO_APP_SECRET_ARN"] = place.stack.app_secret_arn or ""
        given["LOGTO_WEBHOOK_SIGNING_KEY_ARN"] = place.stack.signing_key_arn or ""
        if given.get("UPSTREAM_URL"):  # the template adds the route of its own relay
            routes = (f"/api/{{proxy+}}={given.get('UPSTREAM_RESOURCE')}", given.get(_ROUTES, ""))
            given[_ROUTES] = " ".join(routes)
    else:
        given.setdefault("TABLE_NAME", "sign-in")
    try:
        Settings.from_environment(given)
    except SettingsInvalid as fault:
        return str(fault)
    return None


def _app_secret(place: Place) -> str | Unseen:
    try:
        return place.store.secret() or Unseen("the application's secret is not stored")
    except ProvisionFailed as failure:
        return Unseen(f"the application's secret cannot be read: {failure}")


def _show(world: World, findings: list[Finding]) -> None:
    table = Table(show_edge=False)
    for column in ("", "check", "seen", "fix"):
        table.add_column(column, overflow="fold")
    for one in findings:
        status = Text(one.status, style=_COLOURS[one.status])
        table.add_row(status, Text(one.check), Text(one.seen), Text(one.fix))
    world.out.print(table)
    count = {status: sum(one.status is status for one in findings) for status in Status}
    told = ", ".join(f"{number} {status}" for status, number in count.items() if number)
    world.out.print(f"\n{told}.")


def _told(one: Finding) -> dict[str, str]:
    return {"check": one.check, "status": one.status, "seen": one.seen, "fix": one.fix}
