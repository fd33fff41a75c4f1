"""What stops a command: every text is one sentence for a person, and holds no secret.

ProvisionFailed       something is not as it has to be
  Unreachable         a service gave no answer, or not one of its own
    NoAnswer          the network, or a service that is down: nothing is known of it
  Refused             a service refused a call; `code` is its own word for why
"""


class ProvisionFailed(Exception):
    """The text says what is wrong and what to do."""


class Unreachable(ProvisionFailed):
    """A service did not answer, or something else answered in its place."""


class NoAnswer(Unreachable):
    """Whether anything is wrong with the address itself is not known."""


class Refused(ProvisionFailed):
    """A service refused a call."""

    def __init__(self, text: str, *, status: int, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
