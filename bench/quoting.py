"""Tables of the results inside a document, which each run replaces.

A document marks the place of a table with `<!-- results: Cold start -->` and `<!-- end -->`.
"""

import re
from typing import Final

_PLACE: Final = re.compile(r"(<!-- results: ([^>]+?) -->\n).*?(<!-- end -->)", re.S)


def quoted(document: str, results: str) -> str:
    """Put the sections of these results (Markdown) into their places in a document.

    A place whose section is not in the results stays as it was.
    """
    sections = _sections(results)

    def replaced(found: re.Match[str]) -> str:
        table = sections.get(found[2])
        return found[0] if table is None else f"{found[1]}\n{table}\n\n{found[3]}"

    return _PLACE.sub(replaced, document)


def _sections(results: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", results, flags=re.M)
    return {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}
