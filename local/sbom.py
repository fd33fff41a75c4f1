"""`python -m local.sbom FILE`: a CycloneDX bill of materials of what the layer ships.

It is made from the locked requirements with their hashes, which the built layer contains exactly (a
test compares them). The same lock gives the same bill.
"""

import subprocess
import sys
from pathlib import Path

from local.options import ROOT


def main(arguments: list[str]) -> int:
    """Write the bill; the exit code of the generator."""
    file = Path(arguments[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - a fixed program
        [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py"),
            *("requirements", "shared/requirements.txt"),
            *("--pyproject", "pyproject.toml", "--mc-type", "application"),
            *("--output-reproducible", "--output-format", "JSON"),
            *("--output-file", str(file.resolve())),
        ],
        cwd=ROOT,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
