"""`sam build` with finished artifacts, and `sam local` with this machine's stand-in and table.

The SAM CLI's emulator fills in only variables that the template declares, and reports the domain
`localhost` without a port, so all addresses are passed to it.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.artifacts import BuildIncomplete, finish, sizes
from local.containers import check_containers
from local.options import ROOT, Options, OptionsInvalid, read_options
from local.own_name import HOST
from local.stack import LOOPBACK, backend_ports, check_ports
from local.table import REGION
from provision.own_machine import bypass_proxies

EVERYWHERE = ("0.0.0.0",)  # noqa: S104 - containers do not reach loopback addresses
BUILD = ROOT / ".aws-sam" / "build"
_SAM = str(Path(sysconfig.get_path("scripts")) / "sam")
_FUNCTION_OF = {
    "admin": "AdminFunction",
    "authorizer": "AuthorizerFunction",
    "backchannel-logout": "NotificationsFunction",
    "webhook": "NotificationsFunction",
}
"""Functions by the events in `events/` that they handle. The others go to AuthFunction."""
_QUERY = re.compile(r"((?:GET|HEAD|POST) /[^\s?]*)\?\S*")


def main(arguments: list[str]) -> int:
    """Run a command: the exit code of the SAM CLI, 2 if something is missing, 0 if stopped."""
    parser = argparse.ArgumentParser(prog="python -m local.sam", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what `sam deploy` deploys")
    build.add_argument("--architecture", choices=("arm64", "x86_64"))
    commands.add_parser("invoke", help="build, and invoke with an event").add_argument("event")
    commands.add_parser("start-api", help="build, and serve with the stand-in and the table")
    given = parser.parse_args(arguments)
    bypass_proxies(os.environ)  # the SAM CLI calls the containers by this machine's ports
    try:
        if given.command == "build":
            return _build(given.architecture)
        if given.command == "invoke":
            return _invoke(given.event)
        return _start_api(read_options(os.environ, ROOT / ".env"))
    except (OptionsInvalid, BuildIncomplete) as failure:
        print(failure, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _build(architecture: str | None) -> int:
    """Build for a processor, by default the one that the template deploys to."""
    chosen = ("--parameter-overrides", f"Architecture={architecture}") if architecture else ()
    if _sam("build", *chosen) != 0:
        return 2
    finish(BUILD)
    print("\nFinished, with bytecode:")
    for name, size in sizes(BUILD).items():
        print(f"  {name:<22} {size.zipped / 1e6:6.2f} MB zipped, {size.unzipped / 1e6:6.2f} MB")
    return 0


def function_of(event: str) -> str:
    """Name the function that handles an event of `events/`."""
    return _FUNCTION_OF.get(event, "AuthFunction")


def _template() -> tuple[str, ...]:
    """Options for the template, with the example that `EXAMPLE` names, if it is set."""
    name = os.environ.get("EXAMPLE")
    if not name:
        return ()
    merged = ROOT / ".local" / "template.yaml"
    merged.parent.mkdir(exist_ok=True)
    merged.write_text(with_example(name))
    return ("--template", str(merged), "--base-dir", str(ROOT))


def with_example(name: str) -> str:
    """Add an example's resources to the template; its text. Raises OptionsInvalid."""
    addition = ROOT / "examples" / name / "same-stack.yaml"
    if not addition.is_file():
        raise OptionsInvalid(f"There is no {addition.relative_to(ROOT)}: EXAMPLE names a folder.")
    before, outputs, after = (ROOT / "template.yaml").read_text().partition("\nOutputs:\n")
    return f"{before}\n{addition.read_text()}{outputs}{after}"


def _invoke(name: str) -> int:
    event = ROOT / "events" / f"{name}.json"
    if not event.is_file():
        events = ", ".join(sorted(path.stem for path in event.parent.glob("*.json")))
        raise OptionsInvalid(f"There is no event {name}. Those of events/: {events}.")
    check_containers(os.environ)
    if not _built():
        return 2
    arguments = ("local", "invoke", function_of(name), "-e", str(event), "--skip-pull-image")
    return _sam(*arguments, *_architecture())


def _built() -> bool:
    """Build for this machine's processor, with the example that is asked for."""
    if _sam("build", *_template(), *_architecture(), quiet=True) != 0:
        return False
    finish(BUILD)
    return True


def _start_api(options: Options) -> int:
    check_ports({"PORT": options.port}, LOOPBACK)
    check_ports(backend_ports(options), EVERYWHERE)
    check_containers(os.environ)
    if not _built():
        return 2
    variables = ROOT / ".aws-sam" / "sam-local.json"
    variables.write_text(json.dumps({"Parameters": options.functions(HOST)}, indent=2))
    with _backends(options):
        print(f"\n  {options.base_url}\n", flush=True)
        if not options.own_logto:
            print(f"  A browser that does not find {HOST} needs this line in its hosts file:")
            print(f"    127.0.0.1 {HOST}\n", flush=True)
        return _sam(
            *("local", "start-api", "--skip-pull-image", "--port", str(options.port)),
            *("--region", REGION),
            *("--env-vars", str(variables), *_architecture()),
        )


@contextmanager
def _backends(options: Options) -> Iterator[None]:
    """Run the table and the stand-in on addresses that containers can reach."""
    command = [sys.executable, "-m", "local", "--only-backends", "--host", *EVERYWHERE]
    public = ["--public-url", f"http://{HOST}:{options.logto_port}"]
    process = subprocess.Popen(  # noqa: S603 - this program itself
        [*command, *public], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "are up" in line:
                break
        else:
            raise OptionsInvalid("The table and the stand-in did not start.")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.close()
        process.wait()


def _architecture() -> tuple[str, ...]:
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return ("--parameter-overrides", f"Architecture={'arm64' if arm else 'x86_64'}")


def _sam(*arguments: str, quiet: bool = False) -> int:
    """Run the SAM CLI; its exit code. Raises KeyboardInterrupt if it was stopped."""
    environment = {
        **os.environ,
        # Its build looks for a `python3.13` on the PATH.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "SAM_CLI_TELEMETRY": "0",
    }
    with _stops() as stop:
        process = subprocess.Popen(  # noqa: S603 - a fixed program
            [_SAM, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,  # so that it receives a Ctrl-C once, from here
        )
        stop.append(lambda: process.send_signal(signal.SIGINT))
        assert process.stdout is not None
        output = []
        with process.stdout as lines:
            for line in lines:
                output.append(line)
                if not quiet:
                    print(without_queries(line), end="", flush=True)
        code = process.wait()
    if quiet and code != 0:
        print("".join(output), file=sys.stderr)
    return code


@contextmanager
def _stops() -> Iterator[list[Callable[[], None]]]:
    """Call the functions in the list on Ctrl-C and SIGTERM, and raise KeyboardInterrupt at the end.

    The handlers are installed before a child starts: if a shell made this program ignore SIGINT,
    the child would inherit that.
    """
    received: list[int] = []
    calls: list[Callable[[], None]] = []

    def stop(number: int, _: object) -> None:
        received.append(number)
        for call in calls:
            call()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield calls
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise KeyboardInterrupt


def without_queries(line: str) -> str:
    """Remove the query from a line of a request log: an authorization code is a secret."""
    return _QUERY.sub(r"\1", line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
