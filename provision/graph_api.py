"""Microsoft Graph: the calls that registering an application needs.

Source: Microsoft's reference of the v1.0 endpoint, resources application and servicePrincipal.
"""

from collections.abc import Callable

from provision.clouds import PUBLIC
from provision.errors import ProvisionFailed, Refused, Unreachable
from provision.http import JsonResponse
from provision.json_api import Json, JsonApi

TokenSource = Callable[[], str]
"""Returns an access token for Microsoft Graph in one tenant. Raises ProvisionFailed."""


class GraphApi(JsonApi):
    """The applications of one Entra tenant. Every method raises ProvisionFailed."""

    def __init__(self, token: TokenSource, *, endpoint: str = PUBLIC.graph) -> None:
        super().__init__(endpoint, name="Microsoft Graph")
        self._token = token

    def applications_with_tag(self, tag: str) -> list[Json]:
        return self._values("/applications", f"tags/any(t:t eq '{_quoted(tag)}')")

    def application_by_client_id(self, client_id: str) -> Json | None:
        """Find the application with this client id, if it is registered in this tenant."""
        found = self._values("/applications", f"appId eq '{_quoted(client_id)}'")
        return found[0] if found else None

    def create_application(self, body: Json) -> Json:
        return self._object(self._call("POST", "/applications", json=body))

    def update_application(self, identifier: str, body: Json) -> None:
        self._call("PATCH", f"/applications/{identifier}", json=body)

    def delete_application(self, identifier: str) -> None:
        self._delete(f"/applications/{identifier}")

    def add_password(self, identifier: str, *, name: str, ends_at: str) -> Json:
        """Add a client secret. `secretText` is in this response only.

        `ends_at` is ISO 8601 in UTC.
        """
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

    def _access_token(self) -> str:
        return self._token()

    def _values(self, path: str, condition: str) -> list[Json]:
        body = self._object(self._call("GET", path, params={"$filter": condition}))
        values = body.get("value")
        if not isinstance(values, list):
            raise self._not_graph()
        return [one for one in values if isinstance(one, dict)]

    def _object(self, response: JsonResponse) -> Json:
        if not isinstance(response.body, dict):
            raise self._not_graph()
        return response.body

    def _refusal(self, response: JsonResponse) -> ProvisionFailed:
        body = response.body if isinstance(response.body, dict) else {}
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if response.status >= 429 or not isinstance(code, str):
            return Unreachable(
                f"Microsoft Graph answered {response.status}.",
                "Wait a moment, and run the command again.",
            )
        if response.status == 401:
            return ProvisionFailed(
                "Microsoft Graph refuses the sign-in.",
                "Sign in to the tenant again (az login), or do without: --manual-entra (doctor: "
                "--no-check-entra).",
            )
        if response.status == 403:
            return ProvisionFailed(
                "Microsoft Graph does not let you register applications.",
                "Get the role Application Developer, or the permission "
                "Application.ReadWrite.OwnedBy, or do without: --manual-entra (doctor: "
                "--no-check-entra).",
            )
        problem = f"Microsoft Graph refuses a call with {response.status} {code[:60]}."
        return Refused(problem, status=response.status, code=code)

    def _not_graph(self) -> Unreachable:
        return Unreachable(
            f"{self._http.base} does not answer as Microsoft Graph does.",
            "Correct --cloud or --graph-endpoint.",
        )


def _quoted(value: str) -> str:
    """Escape a value inside an OData string."""
    return value.replace("'", "''")
