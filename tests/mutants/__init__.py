"""Every guard that a test must prove, and how each is turned off."""

from tests.mutants import (
    browsers,
    calls,
    endings,
    identity,
    operations,
    queue,
    sessions,
    sign_in,
)
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *browsers.MUTANTS,
    *sign_in.MUTANTS,
    *identity.MUTANTS,
    *sessions.MUTANTS,
    *calls.MUTANTS,
    *endings.MUTANTS,
    *queue.MUTANTS,
    *operations.MUTANTS,
)
