"""`sessions list`, `sessions end` and `sessions erase`: an operator's view of sessions."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from provision.admin_function import AdminFunction, deployed_function
from provision.cli.groups import command
from provision.cli.options import AsJson
from provision.context import context_of
from provision.errors import ActionRefused
from provision.output import table

_COLUMNS = ("session", "created", "last_seen", "ends_if_unused", "ip", "agent")
_STACK = "serverless-sign-in"

app = typer.Typer(help="Sessions of users", no_args_is_help=True)

User = Annotated[str | None, typer.Option("--user", help="the user's id (`sub`)")]
Organization = Annotated[str | None, typer.Option("--organization", help="the organization's id")]


@dataclass(frozen=True, kw_only=True)
class DeploymentOptions:
    """Which deployment's admin function to invoke."""

    stack_name: Annotated[str, typer.Option("--stack-name", help="deployed stack")] = _STACK
    function: Annotated[
        str | None,
        typer.Option("--function", help="name of the admin function, instead of a stack"),
    ] = None
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the stack")] = None
    profile: Annotated[str | None, typer.Option("--profile", help="AWS profile to use")] = None
    local: Annotated[bool, typer.Option("--local", help="use the stack that `make up` runs")] = (
        False
    )


@command(app, "list")
def list_sessions(
    invocation: typer.Context,
    deployment: DeploymentOptions,
    user: User = None,
    organization: Organization = None,
    as_json: AsJson = False,
) -> None:
    """List the sessions of a user or of an organization."""
    owner = _owner(user, organization)
    if not owner:
        raise typer.BadParameter("Pass --user or --organization.")
    act = _admin_function(invocation, deployment)
    sessions: list[dict[str, Any]] = []
    for answer in _pages(act, "list", owner):
        sessions += answer["sessions"]
    if as_json:
        print(json.dumps({"sessions": sessions}, indent=2))
    elif sessions:
        print(table(_COLUMNS, sessions))
    else:
        print("No sessions.")


@command(app, "end")
def end_sessions(
    invocation: typer.Context,
    deployment: DeploymentOptions,
    session: Annotated[str | None, typer.Argument(help="a session's id, as listed")] = None,
    user: User = None,
    organization: Organization = None,
    as_json: AsJson = False,
) -> None:
    """End one session, or all sessions of a user or of an organization."""
    owner = _owner(user, organization)
    if (session is None) != bool(owner):
        print("Name a session, or --user, or --organization.", file=sys.stderr)
        raise typer.Exit(2)
    act = _admin_function(invocation, deployment)
    answers = [act("end_session", session=session)] if session else _pages(act, "end", owner)
    ended = sum(answer["ended"] for answer in answers)
    print(json.dumps({"ended": ended}) if as_json else f"{ended} ended.")


@command(app, "erase")
def erase_user(
    invocation: typer.Context,
    deployment: DeploymentOptions,
    user: Annotated[str, typer.Option("--user", help="the user's id (`sub`)")],
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="file to write the receipt to")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is stored about a user, and give a receipt."""
    act = _admin_function(invocation, deployment)
    with _writable(receipt):
        answer = act("erase_user", user=user)["receipt"]
    text = json.dumps(answer, indent=2)
    try:
        if receipt is not None:
            receipt.write_text(text + "\n")
    except OSError as failure:
        print(text)
        raise ActionRefused(
            f"{receipt} cannot be written ({failure.strerror}).", "Keep the receipt printed above."
        ) from None
    print(text if as_json or receipt is None else f"Receipt: {receipt}")
    if answer["left"]:
        raise ActionRefused(
            f"{answer['left']} sessions began during the erasure.", "Run the command again."
        )


def _admin_function(invocation: typer.Context, options: DeploymentOptions) -> AdminFunction:
    if options.local:
        return context_of(invocation).local_function()
    return deployed_function(options.stack_name, options.function, options.region, options.profile)


@contextmanager
def _writable(receipt: Path | None) -> Iterator[None]:
    """Check that the receipt can be written before anything is erased.

    What is erased cannot be erased again for another receipt. Raises ActionRefused.
    """
    if receipt is None:
        yield
        return
    new = not receipt.exists()
    try:
        receipt.open("a").close()
    except OSError as failure:
        raise ActionRefused(
            f"{receipt} cannot be written ({failure.strerror}), so nothing was erased."
        ) from None
    try:
        yield
    except BaseException:
        if new:
            receipt.unlink(missing_ok=True)
        raise


def _owner(user: str | None, organization: str | None) -> dict[str, str]:
    if user is not None and organization is not None:
        raise typer.BadParameter("--user and --organization exclude each other. Pass one of them.")
    given = {"user": user, "organization": organization}
    return {name: value for name, value in given.items() if value}


def _pages(act: AdminFunction, verb: str, owner: dict[str, str]) -> list[dict[str, Any]]:
    """Run an action about a user or an organization, page by page; return every answer."""
    action = f"{verb}_{next(iter(owner))}"
    answers = [act(action, **owner)]
    while (cursor := answers[-1].get("cursor")) is not None:
        answers.append(act(action, cursor=cursor, **owner))
    return answers
