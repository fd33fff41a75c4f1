"""Every mutant turns off a guard that is there: its text is in step with the code."""

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1
    changed = text.replace(mutant.old, mutant.new)
    assert changed != text
    if mutant.file.endswith(".py"):
        compile(changed, mutant.file, "exec")
    for name in mutant.tests.split():
        assert (ROOT / name).exists()


def test_names_are_unique() -> None:
    names = [mutant.guard for mutant in MUTANTS]
    assert len(names) == len(set(names))
