"""What a command says: changes as a table or as JSON, and what is left to do."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.table import Table
from rich.text import Text

from provision.cli.options import How
from provision.context import World
from provision.desired import Product
from provision.run import Change
from provision.setup import Outcome
from provision.steps.connector import Connection


def progress(world: World, text: str) -> AbstractContextManager[object]:
    """A spinner while something is under way, where somebody looks."""
    return world.err.status(Text(f"{text} ...")) if world.err.is_terminal else nullcontext()


def show_changes(world: World, changes: Sequence[Change]) -> None:
    """A table on the terminal's error side: it is for people alone."""
    table = Table(title="What changes", title_justify="left", show_edge=False)
    for column in ("what", "change", ""):
        table.add_column(column, overflow="fold")
    for change in changes:
        table.add_row(Text(change.what), change.action, Text(change.detail))
    world.err.print(table)


def show_outcome(world: World, outcome: Outcome, how: How, **values: Any) -> None:
    """The end of a command that changes things; `values` are what its JSON holds beside."""
    changes = [
        {"what": change.what, "action": change.action, "detail": change.detail}
        for change in outcome.changes
    ]
    if how.as_json:
        changed = {"changed": [] if how.dry_run else changes}
        if how.dry_run:
            changed["would_change"] = changes
        print(json.dumps({**changed, **values, "notes": list(outcome.notes)}, indent=2))
        return
    if not changes:
        world.out.print("Nothing to change.")
    else:
        verb = "would change" if how.dry_run else "changed"
        world.out.print(f"{len(changes)} {verb}.", markup=False)
    for connector in values.get("connectors", []):
        if connector["id"] is not None:
            world.out.print(f"{connector['name']}: {connector['sign_in_url']}", markup=False)
    for note in outcome.notes:
        world.out.print(note, markup=False)


def links(product: Product, connections: Sequence[Connection]) -> list[dict[str, Any]]:
    """Connectors with the link that leads straight to each."""
    return [
        {
            "id": connection.id,
            "name": connection.name,
            "redirect_uri": connection.redirect_uri,
            "sign_in_url": product.sign_in_url(connection.id) if connection.id else None,
        }
        for connection in connections
    ]
