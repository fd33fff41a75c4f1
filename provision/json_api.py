"""What the clients of Logto's Management API and of Microsoft Graph have in common."""

from abc import ABC, abstractmethod
from typing import Any, Self

from provision.errors import ProvisionFailed, Refused
from provision.http import JsonClient, JsonResponse

Json = dict[str, Any]


class JsonApi(ABC):
    """A JSON API that takes bearer tokens. A context manager, which closes its connections."""

    def __init__(self, base: str, *, name: str) -> None:
        self._http = JsonClient(base, name=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @abstractmethod
    def _access_token(self) -> str:
        """Return a token for the next call. Raises ProvisionFailed."""

    @abstractmethod
    def _refusal(self, response: JsonResponse) -> ProvisionFailed:
        """Translate a response whose status is an error."""

    def _call(self, method: str, path: str, **options: Any) -> JsonResponse:
        """Send one request; `options` are httpx's. Raises ProvisionFailed."""
        headers = {"authorization": f"Bearer {self._access_token()}"}
        response = self._http.send(method, path, headers=headers, **options)
        if response.status >= 300:
            raise self._refusal(response)
        return response

    def _delete(self, path: str) -> None:
        """Delete something. If it does not exist, that is a success: it may be a second try."""
        try:
            self._call("DELETE", path)
        except Refused as refusal:
            if refusal.status != 404:
                raise
