"""A client that loses answers: the request is carried out, and the caller never learns of it."""

from typing import Any

from botocore.exceptions import ReadTimeoutError


class LostAnswer:
    """A client whose first answer to an operation is lost after it was applied."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name != self._operation or self.lost:
            return call

        def applied(**arguments: Any) -> Any:
            self.lost = True
            call(**arguments)
            raise ReadTimeoutError(endpoint_url="http://dynamodb.test")

        return applied
