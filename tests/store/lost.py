"""A client that loses answers: what was asked for is done, and nobody hears of it."""

from typing import Any

from botocore.exceptions import ClientError


class LostAnswer:
    """A client whose first answer to an operation is lost after it was applied, so that botocore
    sends it again."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name != self._operation or self.lost:
            return call

        def applied_then_repeated(**arguments: Any) -> Any:
            self.lost = True
            call(**arguments)
            try:
                return call(**arguments)
            except ClientError as refusal:
                refusal.response["ResponseMetadata"]["RetryAttempts"] = 1
                raise

        return applied_then_repeated
