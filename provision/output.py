"""Plain tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Align columns under their names. A column that is empty in every row is left out."""
    shown = [name for name in columns if any(row.get(name) for row in rows)]
    cells = [[name.replace("_", " ") for name in shown]]
    cells += [[str(row.get(name) or "") for name in shown] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(shown))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
