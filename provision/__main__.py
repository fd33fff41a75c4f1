"""`python -m provision`: set a deployment up, check it, take it down, look after its sessions."""

import sys

import typer

from provision.admin_function import ActionRefused
from provision.cli import connector, doctor, sessions, setup, teardown
from provision.cli.groups import grouped
from provision.context import World, WrongUse
from provision.errors import ProvisionFailed

INTERRUPTED = 130
_NAME = "python -m provision"

app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
setup.app.add_typer(connector.app, name="connector")
app.add_typer(setup.app, name="setup")
app.command("teardown")(grouped(teardown.teardown))
app.command("doctor")(grouped(doctor.doctor))
app.add_typer(sessions.app, name="sessions")


@app.callback()
def _program() -> None:
    pass


def main(arguments: list[str] | None = None, world: World | None = None) -> int:
    """0 when done, 1 where something refuses or fails, 130 after Ctrl-C.

    Raises SystemExit(2) for a mistake in the command.
    """
    world = world or World()
    command = typer.main.get_command(app)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        ended = command.main(given, prog_name=_NAME, standalone_mode=False, obj=world)
        code = int(ended or 0)
    except (ActionRefused, ProvisionFailed) as failure:
        world.err.print(_sentence(str(failure)), markup=False)
        return 1
    except WrongUse as mistake:
        world.err.print(_sentence(str(mistake)), markup=False)
        return 2
    except typer.TyperException as mistake:
        world.err.print(_sentence(mistake.format_message()), markup=False)
        raise SystemExit(mistake.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer makes it of Ctrl-C, too
        world.err.print("Interrupted: run the same command again to finish.")
    return code


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


if __name__ == "__main__":
    sys.exit(main())
