"""What stops a command. Every text says what is wrong and what to do, and holds no secret.

ProvisionFailed       something is not as it must be
  FileMalformed       a file that the command was given is not text as it must be
  ActionRefused       the admin function, or AWS in front of it, refused an action
  Unreachable         a service did not answer, or something else answered in its place
    NoAnswer          the network or the service is down: nothing else is known about it
  Refused             a service refused a call; `code` is its own word for the reason
"""

from typing import ClassVar


class ProvisionFailed(Exception):
    """`problem` is a sentence that says what is wrong, `fix` one that says what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(f"{problem} {fix}".strip())
        self.problem = problem
        self.fix = fix


class FileMalformed(ProvisionFailed):
    """A file that the command was given is not text as it must be: a mistake in the command."""

    exit_code = 2


class ActionRefused(ProvisionFailed):
    """The admin function, or AWS in front of it, refused an action."""


class Unreachable(ProvisionFailed):
    """A service did not answer, or something else answered in its place."""


class NoAnswer(Unreachable):
    """The service gave no answer, so it is unknown whether its address is right."""


class Refused(ProvisionFailed):
    """A service refused a call."""

    def __init__(self, problem: str, fix: str = "", *, status: int, code: str) -> None:
        super().__init__(problem, fix)
        self.status = status
        self.code = code
