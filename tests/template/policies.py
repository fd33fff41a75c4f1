"""`python -m tests.template.policies`: checkov over what the template expands to.

checkov reads neither SAM's globals nor conditions, so it is given the expanded template with every
option on. It has a virtual environment of its own: its pins are not those of the product. What it
finds is judged by `.checkov.yaml`.
"""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.expansion import ROOT, decided, expanded, parameters
from tests.template.parameters import DOMAIN, FRONT, KEY

CHECKOV = Path(sys.prefix) / "policies" / "bin" / "checkov"


def main() -> int:
    """Run checkov. Its exit code is 1 if it finds something that the baseline does not have."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        for name, given in (("domain", {**DOMAIN, **KEY}), ("front", {**FRONT, **KEY})):
            values = parameters(**given, Tracing="on", AlarmEmail="team@example.com")
            template = decided(expanded(values), values)
            template.pop("Rules")  # checkov takes them for resources
            (Path(folder) / f"{name}.json").write_text(json.dumps(template, indent=1))
        (Path(folder) / "waf.yaml").write_text((ROOT / "edge" / "waf.yaml").read_text())
        done = subprocess.run(
            [
                *(str(CHECKOV), "--directory", folder, "--skip-download"),
                *("--config-file", str(ROOT / ".checkov.yaml")),
            ],
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
