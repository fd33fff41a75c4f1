"""A bounded run of the fuzzer on every target; `make fuzz` goes on for longer."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import ROOT, SEEDS
from tests.fuzz.targets import TARGETS_BY_NAME
from tests.support.needs import lacking

RUNS = 20_000


def test_every_target_accepts_its_seeds() -> None:
    assert set(SEEDS) == set(TARGETS_BY_NAME)
    for name, seeds in SEEDS.items():
        for seed in seeds:
            TARGETS_BY_NAME[name](seed)


@pytest.mark.parametrize("name", TARGETS_BY_NAME)
def test_fuzzed_input_breaks_no_target(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        lacking("Atheris has no build for this machine")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[name]):
        (corpus / str(number)).write_bytes(seed)
    options = [f"-runs={RUNS}", "-seed=1", "-max_len=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *options, str(corpus)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stderr
