"""What a command prints: changes as a table or as JSON, and what is left to do."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from provision.cli.options import RunOptions
from provision.context import Context
from provision.desired import Product
from provision.run import Change, ValueChange
from provision.setup import Outcome
from provision.steps.connector import Connection


def show_changes(context: Context, changes: Sequence[Change]) -> None:
    """Print a plan. It goes to standard error, since it is for people only.

    A table of Rich's would fold the URLs.
    """
    context.err.print("What changes:")
    for change in changes:
        context.err.print(Text(f"- {change.what}: {change.action} {_object(change)}".rstrip()))
        for value in change.values if change.action != "create" else ():
            context.err.print(Text(f"    {_shown(value)}"))


def show_warnings(context: Context, warnings: Sequence[str]) -> None:
    """Print what the operator has to know before agreeing to a plan, to standard error."""
    for warning in warnings:
        context.err.print(Text(f"Warning: {warning}", style="yellow"))


def show_outcome(context: Context, outcome: Outcome, options: RunOptions, **values: Any) -> None:
    """Print the outcome of a command that changes something; `values` are added to its JSON."""
    changes = [asdict(change) for change in outcome.changes]
    if options.as_json:
        changed = {"changed": [] if options.dry_run else changes}
        if options.dry_run:
            changed["would_change"] = changes
        told = {"warnings": list(outcome.warnings), "notes": list(outcome.notes)}
        print(json.dumps({**changed, **values, **told}, indent=2))
        return
    if not changes:
        context.out.print("Nothing to change.")
    else:
        verb = "would change" if options.dry_run else "changed"
        context.out.print(f"{len(changes)} {verb}.", markup=False)
    for connector in values.get("connectors", []):
        if connector["id"] is not None:
            context.out.print(f"{connector['name']}: {connector['sign_in_url']}", markup=False)
    for note in outcome.notes:
        context.out.print(note, markup=False)


def links(product: Product, connections: Sequence[Connection]) -> list[dict[str, Any]]:
    """List connectors, each with the sign-in link that leads straight to it."""
    return [
        {
            "id": connection.id,
            "name": connection.name,
            "redirect_uri": connection.redirect_uri,
            "sign_in_url": product.sign_in_url(connection.id) if connection.id else None,
        }
        for connection in connections
    ]


def _object(change: Change) -> str:
    """Name the object of a change, with its id; without a name, return the detail."""
    if not change.name:
        return change.detail
    named = f"{change.name} ({change.id})" if change.id else change.name
    # The values say what the detail of an update sums up.
    is_told = not change.detail or change.values or change.detail == change.name
    return named if is_told else f"{named}, {change.detail}"


def _shown(value: ValueChange) -> str:
    if value.before is None:
        return f"{value.name}: {_text(value.after)}"
    return f"{value.name}: {_text(value.before)} -> {_text(value.after)}"


def _text(value: Any) -> str:
    if value is None or value == []:
        return "(none)"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
