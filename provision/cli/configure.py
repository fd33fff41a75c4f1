"""`configure`: set parameters that every later `sam deploy` uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from provision import files
from provision.cli import report
from provision.cli.options import RunOptions
from provision.context import Context, UsageError, context_of
from provision.product_settings import check_start, check_text
from provision.run import Change, differences
from provision.settings_store import variable_of
from provision.setup import Outcome
from provision.template_parameters import (
    Parameter,
    parameter_named,
    read_template_parameters,
)
from shared.environment import declarations
from shared.settings import Settings

_VARIABLES: Final = declarations(Settings)


def configure(
    invocation: typer.Context,
    run_options: RunOptions,
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", show_default=False)
    ] = None,
    samconfig: Annotated[
        Path, typer.Option("--samconfig", help="configuration file of the SAM CLI")
    ] = Path("samconfig.toml"),
    config_env: Annotated[
        str, typer.Option("--config-env", help="environment in that file")
    ] = "default",
    template: Annotated[
        Path, typer.Option("--template", help="template that declares the parameters")
    ] = Path("template.yaml"),
) -> None:
    """Set parameters in samconfig.toml, so that this and every later `sam deploy` uses them.

    `sam deploy --parameter-overrides` sets them for one deployment, in place of all that the file
    has. Without NAME=VALUE, show what the file has.
    """
    context = context_of(invocation)
    path = context.root / samconfig
    declared = read_template_parameters(context.root / template)
    written = files.read_parameters(path, config_env)
    if not assignments:
        _show(context, written, declared, as_json=run_options.as_json)
        return
    desired = _desired(assignments, declared)
    _check_together({**written, **desired}, declared, place=samconfig.name)
    differing = {n: v for n, v in desired.items() if written.get(n) != v}
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    if differing:
        files.check_writable(path)
        files.with_parameters(path, config_env, differing)  # fails before anybody is asked
        before = {name: written.get(name, declared[name].default) for name in differing}
        values = differences(before, differing)
        detail = ", ".join(differing)
        changes = (Change(what=samconfig.name, action="write", detail=detail, values=values),)
        if not run_options.as_json:
            report.show_changes(context, changes)
        if not run_options.dry_run:
            if not (run_options.yes or context.confirm("Go on?", "--yes")):
                context.err.print("Nothing was changed.")
                raise typer.Exit(1)
            files.write_parameters(path, config_env, differing)
        environment = "" if config_env == "default" else f" --config-env {config_env}"
        notes = (f"Run `sam deploy{environment}` to deploy them.",)
    outcome = Outcome(application=None, connections=(), changes=changes, notes=notes, warnings=())
    report.show_outcome(context, outcome, run_options)


def _desired(assignments: list[str], declared: Mapping[str, Parameter]) -> dict[str, str]:
    """Parse and check NAME=VALUE. Raises UsageError and ProvisionFailed.

    An empty value is a value, too: for a parameter that a deployment leaves out, the SAM CLI lets
    CloudFormation keep the one that the stack has.
    """
    desired: dict[str, str] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator:
            raise UsageError(f"{assignment[:60]} is not NAME=VALUE.")
        parameter = parameter_named(name, declared)
        if name in desired:
            raise UsageError(f"{name} is given twice.")
        parameter.check(value)
        if value and variable_of(name) in _VARIABLES:
            check_text(variable_of(name), value, option=name)
        desired[name] = value
    return desired


def _check_together(
    values: Mapping[str, str], declared: Mapping[str, Parameter], *, place: str
) -> None:
    """Check, once Logto is known, that the product will start. Raises ProvisionFailed."""
    effective = {n: values.get(n, each.default) for n, each in declared.items()}
    if effective.get("LogtoEndpoint"):
        known = {variable_of(name): v for name, v in effective.items() if v is not None}
        check_start(known, place=place, on_aws=True)


def _show(
    context: Context,
    written: Mapping[str, str],
    declared: Mapping[str, Parameter],
    *,
    as_json: bool,
) -> None:
    if as_json:
        print(json.dumps({"parameters": dict(written)}, indent=2))
        return
    for name, value in written.items():
        is_default = name in declared and declared[name].default == value
        context.out.print(f"{name}={value}{'  (the default)' if is_default else ''}", markup=False)
    if not written:
        context.out.print("No parameter is set: every one has the template's default.")
