"""`python -m provision`: set up a deployment, check it, take it down, and manage its sessions."""

import io
import os
import sys

import typer
from rich.console import Console

from provision.cli import configure, connector, doctor, rotation, sessions, setup, teardown
from provision.cli.groups import grouped
from provision.context import Context, UsageError
from provision.errors import ProvisionFailed
from provision.machine import network_fault
from provision.own_machine import bypass_proxies
from provision.waiting import shown_on

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
setup.app.command("rotate-secret")(grouped(rotation.rotate_secret))
app.add_typer(setup.app, name="setup")
app.command("teardown")(grouped(teardown.teardown))
app.command("configure")(grouped(configure.configure))
app.command("doctor")(grouped(doctor.doctor))
app.add_typer(sessions.app, name="sessions")


@app.callback()
def _program() -> None:
    pass


def main(arguments: list[str] | None = None, context: Context | None = None) -> int:
    """Run a command. Return 0 if it is done, 1 if it fails or is refused, 130 after Ctrl-C.

    A mistake in the command is 2: returned if a command finds it, raised as SystemExit(2) if
    Typer does.
    """
    context = context or Context()
    bypass_proxies(os.environ)
    command = typer.main.get_command(app)
    try:
        given = _text(sys.argv[1:] if arguments is None else arguments)
        with shown_on(_progress(context, given)):
            ended = command.main(given, prog_name=_NAME, standalone_mode=False, obj=context)
        code = int(ended or 0)
    except ProvisionFailed as failure:
        context.err.print(_sentence(str(failure)), markup=False)
        return failure.exit_code
    except UsageError as mistake:
        context.err.print(_sentence(str(mistake)), markup=False)
        return 2
    except typer.TyperException as mistake:
        context.err.print(_sentence(mistake.format_message()), markup=False)
        raise SystemExit(mistake.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as failure:
        fault = network_fault(failure)
        if fault is None:
            raise
        context.err.print(_sentence(str(fault)), markup=False)
        return 1
    if code == INTERRUPTED:  # Typer turns some interrupts into this exit code itself
        context.err.print("Interrupted. Run the same command again to finish.")
    return code


def _progress(context: Context, arguments: list[str]) -> Console | None:
    """Return where to show what a command waits for: nowhere beside a document for a program."""
    return context.err if context.shows_progress and "--json" not in arguments else None


def _text(arguments: list[str]) -> list[str]:
    """Return the arguments if they are text, which every service expects. Raises UsageError."""
    for argument in arguments:
        if not argument.isprintable() and any("\ud800" <= c <= "\udfff" for c in argument):
            raise UsageError(f"{ascii(argument)[:80]} is not valid UTF-8.")
    return arguments


def _sentence(text: str) -> str:
    """End a text that comes from AWS, Typer or the admin function with a full stop."""
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None if it is closed
            stream.reconfigure(errors="backslashreplace")  # names are in any script
    sys.exit(main())
