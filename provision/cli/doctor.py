"""`doctor`: check a set-up, and say what is right, what is wrong, and how to fix it."""

import json
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from provision.cli.customer import graph_opener
from provision.cli.options import AsJson, EntraOptions, TargetOptions
from provision.cli.target import Target, find_record, find_target, has_management, management
from provision.context import Context, context_of
from provision.doctor.collect_aws import NO_STACK, collect_stack, collect_table
from provision.doctor.collect_logto import collect_logto
from provision.doctor.collect_management import collect_management
from provision.doctor.collect_sign_in import collect_sign_ins
from provision.doctor.collect_site import collect_site
from provision.doctor.diagnose import diagnose
from provision.doctor.finding import Finding, Status
from provision.doctor.observed import NotObserved, Observed, ObservedManagement
from provision.errors import ProvisionFailed
from provision.settings_store import SECRETS
from provision.waiting import step
from shared.errors import SettingsInvalid
from shared.settings import Settings

_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "unknown": "dim"}
_ROUTES = "ACCESS_TOKEN_ROUTES"


def doctor(
    invocation: typer.Context,
    target_options: TargetOptions,
    entra_options: EntraOptions,
    check_entra: Annotated[
        bool | None,
        typer.Option(
            "--check-entra/--no-check-entra",
            help="sign in to Microsoft and check Entra too [if AZURE_CLIENT_ID is set]",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a set-up without changing it. The exit code is 0 if no check fails, else 1."""
    context = context_of(invocation)
    target = find_target(context, target_options)
    if check_entra is None:
        check_entra = bool(context.environment.get("AZURE_CLIENT_ID"))
    with step("Checking"):
        observed = collect(context, target, target_options, entra_options if check_entra else None)
    findings = diagnose(observed)
    if as_json:
        print(json.dumps({"findings": [_row(one) for one in findings]}, indent=2))
    else:
        _show(context, findings)
    if any(one.status is Status.FAIL for one in findings):
        raise typer.Exit(1)


def collect(
    context: Context,
    target: Target,
    target_options: TargetOptions,
    entra_options: EntraOptions | None,
) -> Observed:
    """Collect everything that the options give access to; without `entra_options`, not Entra.

    Raises ProvisionFailed and UsageError.
    """
    variables = _variables(target)
    app_id = None if isinstance(variables, NotObserved) else variables.get("LOGTO_APP_ID") or None
    now = context.clock()
    settings = None if isinstance(variables, NotObserved) else _settings(target)
    logto = collect_logto(
        target.endpoint,
        target.product,
        app_id=app_id,
        app_secret=_app_secret(target),
        clock=context.clock,
    )
    at_management = ObservedManagement()
    if has_management(context, target_options):
        with ExitStack() as opened:
            api = opened.enter_context(management(context, target, target_options))
            graph = graph_opener(context, entra_options, opened) if entra_options else None
            at_management = collect_management(
                api,
                target.product,
                app_id=app_id,
                organizations=_organizations(settings),
                graph_for=graph,
            )
    recorded, record_fault = _recorded_ends(context, target)
    stack, session = target.stack, target.session
    site = collect_site(target.product, at_management.hook, now=now)
    return Observed(
        now=now,
        product=target.product,
        endpoint=target.endpoint,
        variables=variables,
        settings_fault=settings if isinstance(settings, str) else None,
        logto=logto,
        management=at_management,
        recorded_ends=recorded,
        record_fault=record_fault,
        site=site,
        sign_ins=collect_sign_ins(
            target.endpoint,
            target.product.redirect_uri,
            running=site.sign_in,
            settings=settings if isinstance(settings, Settings) else None,
            discovery=logto.discovery,
        ),
        table=collect_table(session, stack) if session and stack else NO_STACK,
        stack=collect_stack(session, stack) if session and stack else NO_STACK,
    )


def _recorded_ends(
    context: Context, target: Target
) -> tuple[dict[str, str], tuple[str, str] | None]:
    """Return the recorded ends of client secrets, and the fault of the record, if any."""
    try:
        found = find_record(context, target).connectors.values()
    except ProvisionFailed as failure:
        return {}, (failure.problem, failure.fix)
    return {one.id: one.secret_ends_at for one in found if one.id and one.secret_ends_at}, None


def _variables(target: Target) -> dict[str, str] | NotObserved:
    """Return the product's settings without the secrets."""
    if not target.settings:
        return NotObserved(
            "There are no settings to read: name a stack, or an --env-file that exists."
        )
    return {name: value for name, value in target.settings.items() if name not in SECRETS}


def _settings(target: Target) -> Settings | str:
    """Return the settings, or why a function would not start with them.

    The texts of SettingsInvalid hold no values, so no secret can show.
    """
    base_url = target.settings.get("BASE_URL") or target.product.base_url
    given = {**target.settings, "BASE_URL": base_url}
    if target.stack is not None:
        given["TABLE_NAME"] = target.stack.outputs.get("TableName", "")
        given["LOGTO_APP_SECRET_ARN"] = target.stack.app_secret_arn or ""
        given["LOGTO_WEBHOOK_SIGNING_KEY_ARN"] = target.stack.signing_key_arn or ""
        if given.get("UPSTREAM_URL"):  # the template adds the route of its own relay
            routes = (f"/api/{{proxy+}}={given.get('UPSTREAM_RESOURCE')}", given.get(_ROUTES, ""))
            given[_ROUTES] = " ".join(routes)
    else:
        given.setdefault("TABLE_NAME", "sign-in")
    try:
        return Settings.from_environment(given)
    except SettingsInvalid as fault:
        return str(fault)


def _organizations(settings: Settings | str | None) -> list[str]:
    """Return the ids of the organizations that the settings name, each once."""
    if not isinstance(settings, Settings):
        return []
    return list(dict.fromkeys((*settings.logto_organizations, *settings.allowed_organizations)))


def _app_secret(target: Target) -> str | NotObserved:
    try:
        return target.store.secret() or NotObserved("The application's secret is not stored.")
    except ProvisionFailed as failure:
        return NotObserved(f"The application's secret cannot be read. {failure}")


def _show(context: Context, findings: list[Finding]) -> None:
    table = Table(show_edge=False)
    for column in ("", "check", "found", "fix"):
        table.add_column(column, overflow="fold")
    for one in findings:
        status = Text(one.status, style=_COLOURS[one.status])
        table.add_row(status, Text(one.check), Text(one.found), Text(one.fix))
    context.out.print(table)
    count = {status: sum(one.status is status for one in findings) for status in Status}
    summary = ", ".join(f"{number} {status}" for status, number in count.items() if number)
    context.out.print(f"\n{summary}.")


def _row(one: Finding) -> dict[str, str]:
    """Return a finding as it is in JSON, whose member names are part of the command's contract."""
    return {"check": one.check, "status": one.status, "seen": one.found, "fix": one.fix}
