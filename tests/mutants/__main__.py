"""`make mutants`: turn off each guard in turn, and show that a test notices.

`make mutants ONLY=webhook` takes the guards whose name holds the word. A mutant that survives is a
guard that nothing proves.
"""

import sys

from tests.mutants import MUTANTS
from tests.mutants.mutant import Misfit
from tests.mutants.run import run


def main(word: str = "") -> int:
    """Return 0 if every mutant is killed whose guard's name holds `word`."""
    mutants = [mutant for mutant in MUTANTS if word in mutant.guard]
    if not mutants:
        raise SystemExit(f"no guard has {word!r} in its name")
    try:
        killed = run(mutants)
    except Misfit as misfit:
        raise SystemExit(str(misfit)) from None
    print(f"{killed} of {len(mutants)} guards are proven by a test")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
