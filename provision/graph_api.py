"""Microsoft Graph: the calls that registering an application needs.

Source: Microsoft's reference of the v1.0 endpoint, resources application and servicePrincipal.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from provision.errors import ProvisionFailed, Refused, Unreachable
from provision.http import Answer, Http

Json = dict[str, Any]
ENDPOINT: Final = "https://graph.microsoft.com/v1.0"

Token = Callable[[], str]
"""Gives an access token for Microsoft Graph in the tenant. Raises ProvisionFailed."""


class GraphApi:
    """Applications of one Entra tenant. Every method raises ProvisionFailed."""

    def __init__(self, token: Token, *, endpoint: str = ENDPOINT) -> None:
        self._token = token
        self._http = Http(endpoint, name="Microsoft Graph")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.__exit__(kind, failure, trace)

    def tagged(self, tag: str) -> list[Json]:
        """The applications with a tag."""
        return self._values("/applications", f"tags/any(t:t eq '{_quoted(tag)}')")

    def by_client_id(self, client_id: str) -> Json | None:
        """The application with this client id, where it is registered in this tenant."""
        found = self._values("/applications", f"appId eq '{_quoted(client_id)}'")
        return found[0] if found else None

    def create_application(self, body: Json) -> Json:
        return self._object(self._call("POST", "/applications", json=body))

    def update_application(self, identifier: str, body: Json) -> None:
        self._call("PATCH", f"/applications/{identifier}", json=body)

    def delete_application(self, identifier: str) -> None:
        """Gone is gone: deleting what somebody else has deleted is a success."""
        try:
            self._call("DELETE", f"/applications/{identifier}")
        except Refused as refusal:
            if refusal.status != 404:
                raise

    def add_password(self, identifier: str, *, name: str, ends_at: str) -> Json:
        """A new client secret: `secretText` is told only here. `ends_at` is ISO 8601 in UTC."""
        body = {"passwordCredential": {"displayName": name, "endDateTime": ends_at}}
        path = f"/applications/{identifier}/addPassword"
        return self._object(self._call("POST", path, json=body))

    def remove_password(self, identifier: str, key_id: str) -> None:
        path = f"/applications/{identifier}/removePassword"
        self._call("POST", path, json={"keyId": key_id})

    def has_service_principal(self, client_id: str) -> bool:
        return bool(self._values("/servicePrincipals", f"appId eq '{_quoted(client_id)}'"))

    def create_service_principal(self, client_id: str) -> None:
        self._call("POST", "/servicePrincipals", json={"appId": client_id})

    def _values(self, path: str, wanted: str) -> list[Json]:
        found = self._object(self._call("GET", path, params={"$filter": wanted})).get("value")
        if not isinstance(found, list):
            raise self._no_graph()
        return [one for one in found if isinstance(one, dict)]

    def _object(self, answer: Answer) -> Json:
        if not isinstance(answer.body, dict):
            raise self._no_graph()
        return answer.body

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"authorization": f"Bearer {self._token()}"}
        answer = self._http.send(method, path, headers=headers, **options)
        if answer.status >= 300:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: Answer) -> ProvisionFailed:
        body = answer.body if isinstance(answer.body, dict) else {}
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if answer.status >= 429 or not isinstance(code, str):
            return Unreachable(
                f"Microsoft Graph answered {answer.status} where it should not: wait a moment, and "
                "run it again"
            )
        if answer.status == 401:
            return ProvisionFailed(
                "Microsoft Graph refuses the sign-in: sign in to the tenant again (az login), or "
                "do without: --manual-entra (doctor: --no-check-entra)"
            )
        if answer.status == 403:
            return ProvisionFailed(
                "Microsoft Graph lets you register no applications: you need the role Application "
                "Developer, or Application.ReadWrite.OwnedBy; or do without: "
                "--manual-entra (doctor: --no-check-entra)"
            )
        text = f"Microsoft Graph refuses a call with {answer.status} {code[:60]}"
        return Refused(text, status=answer.status, code=code)

    def _no_graph(self) -> Unreachable:
        return Unreachable(f"{self._http.base} does not answer as Microsoft Graph does")


def _quoted(value: str) -> str:
    """A value inside an OData string."""
    return value.replace("'", "''")
