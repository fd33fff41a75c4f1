"""`python -m tests.fuzz <target> [libFuzzer's options]`: coverage-guided fuzzing by Atheris."""

import sys

import atheris

with atheris.instrument_imports(include=["shared", "functions"]):
    from tests.fuzz.targets import TARGETS_BY_NAME

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS_BY_NAME[sys.argv[1]])
    atheris.Fuzz()
