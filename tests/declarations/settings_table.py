"""`make settings`: write the README's table of settings from their declarations."""

from pathlib import Path
from typing import Any

from shared.environment import Declaration, declarations
from shared.settings import Settings

README = Path(__file__).resolve().parent.parent.parent / "README.md"
BEGINS = "<!-- settings: `make settings` writes them from shared/settings.py -->\n"
ENDS = "<!-- end of settings -->\n"


def table() -> str:
    """Return the table: a row a setting, in the order of the declarations."""
    head = "| variable | parameter | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(_row(*each) for each in declarations(Settings).items())


def parameter_default(default: Any) -> str:
    """Return a default as `template.yaml` and environment variables write it."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return " ".join(default)
    return str(default) if default or default == 0 else ""


def with_table(readme: str) -> str:
    """Return a README whose table between the two markers is the current one."""
    before, begins, rest = readme.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    assert begins, f"README.md lacks {BEGINS}"
    assert ends, f"README.md lacks {ENDS}"
    return f"{before}{begins}\n{table()}\n{ends}{after}"


def _row(variable: str, declaration: Declaration) -> str:
    parameter = f"`{declaration.parameter}`" if declaration.parameter else "none"
    default = declaration.default_text
    if default is None:
        given = parameter_default(declaration.default)
        default = f"`{given}`" if given else "none"
    return f"| `{variable}` | {parameter} | {default} | {declaration.meaning} |\n"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
