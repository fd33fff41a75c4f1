"""`sessions list`, `sessions end` and `sessions erase`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from provision.admin_function import ActionRefused, AdminFunction
from provision.output import table

_COLUMNS = ("session", "created", "last_seen", "ends_if_unused", "ip", "agent")


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Declare the commands on a parser."""
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the sessions of a user or of an organization")
    _add_whose(listing)
    listing.set_defaults(run=_list)
    end = commands.add_parser("end", help="end one session, or all of a user or an organization")
    end.add_argument("session", nargs="?", help="a session's id, as listed")
    _add_whose(end, required=False)
    end.set_defaults(run=_end)
    erase = commands.add_parser("erase", help="erase what is kept of a user, with a receipt")
    erase.add_argument("--user", required=True, help="the user's id (`sub`)")
    erase.add_argument("--receipt", type=Path, help="write the receipt to this file")
    erase.set_defaults(run=_erase)
    for command in (listing, end, erase):
        _add_where(command)


def _add_whose(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    whose = parser.add_mutually_exclusive_group(required=required)
    whose.add_argument("--user", help="the user's id (`sub`)")
    whose.add_argument("--organization", help="the organization's id")


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer with JSON")
    parser.add_argument("--stack-name", default="serverless-sign-in")
    parser.add_argument("--function", help="the admin function, instead of looking for the stack's")
    parser.add_argument("--region")
    parser.add_argument("--profile")
    parser.add_argument("--local", action="store_true", help="the stack that `make up` runs")


def _list(options: argparse.Namespace, act: AdminFunction) -> int:
    sessions: list[dict[str, Any]] = []
    for answer in _pages(act, "list", options):
        sessions += answer["sessions"]
    if options.json:
        print(json.dumps({"sessions": sessions}, indent=2))
    elif sessions:
        print(table(_COLUMNS, sessions))
    else:
        print("No sessions.")
    return 0


def _end(options: argparse.Namespace, act: AdminFunction) -> int:
    if options.session is not None and not (options.user or options.organization):
        answers = [act("end_session", session=options.session)]
    elif options.session is None and (options.user or options.organization):
        answers = list(_pages(act, "end", options))
    else:
        print("Name a session, or --user, or --organization.", file=sys.stderr)
        return 2
    ended = sum(answer["ended"] for answer in answers)
    print(json.dumps({"ended": ended}) if options.json else f"{ended} ended.")
    return 0


def _erase(options: argparse.Namespace, act: AdminFunction) -> int:
    receipt = act("erase_user", user=options.user)["receipt"]
    text = json.dumps(receipt, indent=2)
    if options.receipt is not None:
        options.receipt.write_text(text + "\n")
    print(text if options.json or options.receipt is None else f"Receipt: {options.receipt}")
    if receipt["left"]:
        raise ActionRefused(f"{receipt['left']} sessions began meanwhile: erase again")
    return 0


def _pages(act: AdminFunction, kind: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every page of an answer about a user or an organization."""
    whose = "user" if options.user else "organization"
    values = {whose: options.user or options.organization}
    answers = [act(f"{kind}_{whose}", **values)]
    while (cursor := answers[-1].get("cursor")) is not None:
        answers.append(act(f"{kind}_{whose}", cursor=cursor, **values))
    return answers
