"""Tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Aligned columns under their names; a column that is empty throughout is left out."""
    shown = [name for name in columns if any(row.get(name) for row in rows)]
    cells = [[name.replace("_", " ") for name in shown]]
    cells += [[str(row.get(name) or "") for name in shown] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(shown))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
