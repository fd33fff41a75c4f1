"""Programs that a machine may lack."""


class ProgramMissing(Exception):
    """A program that is needed is not installed; the text names it."""
