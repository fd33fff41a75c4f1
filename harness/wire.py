"""Count what a client sends to DynamoDB, on the wire: repeated attempts count too."""

from typing import Any


class Wire:
    """Names of the DynamoDB operations that were sent, in order."""

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        client.meta.events.register("before-send.dynamodb", self._note)

    def clear(self) -> None:
        """Forget the calls so far."""
        self.calls.clear()

    def _note(self, request: Any, event_name: str, **_: Any) -> None:
        self.calls.append(event_name.rpartition(".")[2])
