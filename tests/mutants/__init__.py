"""Every guard that a test must prove, and how each is turned off."""

from tests.mutants import calls, endings, identity, operations, sessions, sign_in
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *sign_in.MUTANTS,
    *identity.MUTANTS,
    *sessions.MUTANTS,
    *calls.MUTANTS,
    *endings.MUTANTS,
    *operations.MUTANTS,
)
