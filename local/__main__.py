"""`python -m local`, which is `make up`: the whole stack on this machine.

It imports nothing at the top, because every worker process imports this module first.
"""

import sys


def main(arguments: list[str]) -> int:
    """Run the stack: 0 when it is stopped, 2 if it cannot start."""
    import argparse
    import os
    import signal

    # Until the stack handles signals itself there is nothing to clean up, and a KeyboardInterrupt
    # could be swallowed by a module that is being imported.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="show the functions' own logs")
    parser.add_argument("--only-backends", action="store_true", help="no web and no demo API")
    parser.add_argument("--host", help="address for --only-backends")
    parser.add_argument("--public-url", help="the stand-in's URL as browsers see it")
    options = parser.parse_args(arguments)
    print("Starting ...", flush=True)
    from local import stack
    from local.options import ROOT, OptionsInvalid, read_options

    try:
        read = read_options(os.environ, ROOT / ".env")
        if options.only_backends:
            hosts = (options.host,) if options.host else stack.LOOPBACK
            stack.run_backends(read, hosts=hosts, public_url=options.public_url)
            return 0
        again = stack.run(read, verbose=options.verbose)
    except OptionsInvalid as failure:
        print(failure, file=sys.stderr)
        return 2
    if again:
        os.execv(sys.executable, [sys.executable, "-m", "local", *arguments])  # noqa: S606
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
