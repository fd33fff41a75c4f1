"""`sessions list`, `sessions end` and `sessions erase`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from provision.admin_function import ActionRefused, AdminFunction, local_function, stack_function
from provision.output import table

_COLUMNS = ("session", "created", "last_seen", "ends_if_unused", "ip", "agent")

app = typer.Typer(help="Sessions of users", no_args_is_help=True)

User = Annotated[str | None, typer.Option("--user", help="the user's id (`sub`)")]
Organization = Annotated[str | None, typer.Option("--organization", help="the organization's id")]
Json = Annotated[bool, typer.Option("--json", help="answer with JSON")]
StackName = Annotated[str, typer.Option("--stack-name")]
Function = Annotated[
    str | None,
    typer.Option("--function", help="the admin function, instead of looking for the stack's"),
]
Region = Annotated[str | None, typer.Option("--region")]
Profile = Annotated[str | None, typer.Option("--profile")]
Local = Annotated[bool, typer.Option("--local", help="the stack that `make up` runs")]

_STACK = "serverless-sign-in"


@app.command("list")
def list_sessions(
    user: User = None,
    organization: Organization = None,
    as_json: Json = False,
    stack_name: StackName = _STACK,
    function: Function = None,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
) -> None:
    """The sessions of a user or of an organization."""
    whose = _whose(user, organization)
    if not whose:
        raise typer.BadParameter("one of --user and --organization is needed")
    act = _function(stack_name, function, region, profile, local=local)
    sessions: list[dict[str, Any]] = []
    for answer in _pages(act, "list", whose):
        sessions += answer["sessions"]
    if as_json:
        print(json.dumps({"sessions": sessions}, indent=2))
    elif sessions:
        print(table(_COLUMNS, sessions))
    else:
        print("No sessions.")


@app.command("end")
def end_sessions(
    session: Annotated[str | None, typer.Argument(help="a session's id, as listed")] = None,
    user: User = None,
    organization: Organization = None,
    as_json: Json = False,
    stack_name: StackName = _STACK,
    function: Function = None,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
) -> None:
    """End one session, or all of a user or an organization."""
    whose = _whose(user, organization)
    if (session is None) != bool(whose):
        print("Name a session, or --user, or --organization.", file=sys.stderr)
        raise typer.Exit(2)
    act = _function(stack_name, function, region, profile, local=local)
    answers = [act("end_session", session=session)] if session else _pages(act, "end", whose)
    ended = sum(answer["ended"] for answer in answers)
    print(json.dumps({"ended": ended}) if as_json else f"{ended} ended.")


@app.command("erase")
def erase_user(
    user: Annotated[str, typer.Option("--user", help="the user's id (`sub`)")],
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="write the receipt to this file")
    ] = None,
    as_json: Json = False,
    stack_name: StackName = _STACK,
    function: Function = None,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
) -> None:
    """Erase what is kept of a user, with a receipt."""
    act = _function(stack_name, function, region, profile, local=local)
    with _ready_to_write(receipt):
        told = act("erase_user", user=user)["receipt"]
    text = json.dumps(told, indent=2)
    try:
        if receipt is not None:
            receipt.write_text(text + "\n")
    except OSError as failure:
        print(text)
        raise ActionRefused(
            f"{receipt} cannot be written ({failure.strerror}): keep the receipt that is printed"
        ) from None
    print(text if as_json or receipt is None else f"Receipt: {receipt}")
    if told["left"]:
        raise ActionRefused(f"{told['left']} sessions began meanwhile: erase again")


def _function(
    stack: str, function: str | None, region: str | None, profile: str | None, *, local: bool
) -> AdminFunction:
    return local_function() if local else stack_function(stack, function, region, profile)


@contextmanager
def _ready_to_write(receipt: Path | None) -> Iterator[None]:
    """What is erased is not erased again: a file that cannot be written is refused before."""
    if receipt is None:
        yield
        return
    new = not receipt.exists()
    try:
        receipt.open("a").close()
    except OSError as failure:
        raise ActionRefused(
            f"{receipt} cannot be written ({failure.strerror}): nothing was erased"
        ) from None
    try:
        yield
    except BaseException:
        if new:
            receipt.unlink(missing_ok=True)
        raise


def _whose(user: str | None, organization: str | None) -> dict[str, str]:
    if user is not None and organization is not None:
        raise typer.BadParameter("--user and --organization do not go together")
    given = {"user": user, "organization": organization}
    return {name: value for name, value in given.items() if value}


def _pages(act: AdminFunction, kind: str, whose: dict[str, str]) -> list[dict[str, Any]]:
    """Every page of an answer about a user or an organization."""
    action = f"{kind}_{next(iter(whose))}"
    answers = [act(action, **whose)]
    while (cursor := answers[-1].get("cursor")) is not None:
        answers.append(act(action, cursor=cursor, **whose))
    return answers
