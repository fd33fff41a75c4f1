"""Logto's Management API: the calls that setting up needs, with its errors translated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from provision.errors import ProvisionFailed, Refused, Unreachable
from provision.http import JsonResponse
from provision.json_api import Json, JsonApi

SELF_HOSTED: Final = "https://default.logto.app/api"
_CLOUD: Final = re.compile(r"([a-z0-9]+)\.logto\.app")
_ROLE: Final = "Logto Management API access"
_PLAN: Final = ("subscription.", "system_limit.")
"""Prefixes of the codes for what a plan or a server does not allow, or no more of."""
_TEMPORARY: Final = (429, 502, 503, 504)
"""Statuses of a proxy in front of a service that exists."""
_OTHER_TYPE: Final = ("invalid_request", "unauthorized_client", "unsupported_grant_type")
"""Errors for an application whose type does not allow the grant of client credentials."""
_FIXES: Final = {
    "single_sign_on.duplicate_connector_name": (
        "Another connector at Logto already has that name.",
        "Choose another name with --connector-name.",
    ),
    "single_sign_on.forbidden_domains": (
        "One of the domains is a public mail domain, where anybody can have an address.",
        "Leave it out of --domain.",
    ),
    "single_sign_on.invalid_domain_format": (
        "One of the domains is not a valid domain.",
        "Correct --domain, for example contoso.com.",
    ),
    "connector.invalid_config": (
        "Logto cannot use the issuer.",
        "Make sure that Logto can reach it, and that it ends in /v2.0 without a slash after it.",
    ),
}
"""Problem and fix, by Logto's error code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine-to-machine application that acts for the operator."""

    id: str
    secret: str = field(repr=False)


def management_resource(endpoint: str) -> str:
    """Return the Management API's indicator: the tenant's own at Logto Cloud, else the default."""
    tenant = _CLOUD.fullmatch(urlsplit(endpoint).hostname or "")
    return f"https://{tenant[1]}.logto.app/api" if tenant else SELF_HOSTED


class LogtoApi(JsonApi):
    """One Logto. Every method raises ProvisionFailed."""

    def __init__(self, endpoint: str, machine: Machine, *, resource: str | None = None) -> None:
        super().__init__(endpoint, name="Logto")
        self.endpoint = endpoint
        self._machine = machine
        self._resource = resource or management_resource(endpoint)
        self._token: str | None = None

    def applications(self) -> list[Json]:
        """List the Traditional web applications."""
        return self._list("/applications", params={"types": "Traditional"})

    def create_application(self, body: Json) -> Json:
        return self._object("POST", "/applications", json={"type": "Traditional", **body})

    def update_application(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/applications/{identifier}", json=body)

    def delete_application(self, identifier: str) -> None:
        self._delete(f"/api/applications/{identifier}")

    def application_secrets(self, identifier: str) -> list[Json]:
        return self._list(f"/applications/{identifier}/secrets")

    def create_application_secret(self, identifier: str, name: str) -> Json:
        return self._object("POST", f"/applications/{identifier}/secrets", json={"name": name})

    def delete_application_secret(self, identifier: str, name: str) -> None:
        self._delete(f"/api/applications/{identifier}/secrets/{quote(name, safe='')}")

    def connectors(self) -> list[Json]:
        return self._list("/sso-connectors")

    def create_connector(self, body: Json) -> Json:
        return self._object("POST", "/sso-connectors", json=body)

    def update_connector(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/sso-connectors/{identifier}", json=body)

    def delete_connector(self, identifier: str) -> None:
        self._delete(f"/api/sso-connectors/{identifier}")

    def sign_in_experience(self) -> Json:
        return self._object("GET", "/sign-in-exp")

    def switch_single_sign_on(self, *, on: bool) -> None:
        """Turn enterprise SSO on or off, and leave the rest of the sign-in experience alone."""
        self._object("PATCH", "/sign-in-exp", json={"singleSignOnEnabled": on})

    def has_organization(self, identifier: str) -> bool:
        """Tell whether there is an organization with this id."""
        try:
            self._object("GET", f"/organizations/{quote(identifier, safe='')}")
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return False
        return True

    def hooks(self) -> list[Json]:
        return self._list("/hooks")

    def create_hook(self, body: Json) -> Json:
        return self._object("POST", "/hooks", json=body)

    def update_hook(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/hooks/{identifier}", json=body)

    def delete_hook(self, identifier: str) -> None:
        self._delete(f"/api/hooks/{identifier}")

    def _list(self, path: str, params: Mapping[str, str] | None = None) -> list[Json]:
        found = self._call("GET", f"/api{path}", params=params).body
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._not_logto()
        return found

    def _object(self, method: str, path: str, **options: Any) -> Json:
        found = self._call(method, f"/api{path}", **options).body
        if not isinstance(found, dict):
            raise self._not_logto()
        return found

    def _access_token(self) -> str:
        if self._token is None:
            form = {
                "grant_type": "client_credentials",
                "resource": self._resource,
                "scope": "all",
            }
            # RFC 6749 section 2.3.1: both are form-encoded before they go into the header.
            machine = (quote(self._machine.id, safe=""), quote(self._machine.secret, safe=""))
            self._token = self._token_in(
                self._http.send("POST", "/oidc/token", data=form, auth=machine)
            )
        return self._token

    def _token_in(self, response: JsonResponse) -> str:
        body = response.body if isinstance(response.body, dict) else {}
        if response.status == 200 and isinstance(body.get("access_token"), str):
            return str(body["access_token"])
        error = body.get("error")
        if error == "invalid_client":
            raise ProvisionFailed(
                "Logto refuses the id or the secret of the machine-to-machine application "
                f"{self._machine.id}.",
                "Check MANAGEMENT_APP_ID and MANAGEMENT_APP_SECRET.",
            )
        if error in _OTHER_TYPE:
            raise ProvisionFailed(
                f"The application {self._machine.id} is not a machine-to-machine application.",
                "Create one of that type at Logto, and use its id and secret.",
            )
        if error == "invalid_target":
            raise ProvisionFailed(
                f"Logto does not know the Management API as {self._resource}.",
                "Pass its indicator with --management-api. The Logto Console shows it under API "
                "resources.",
            )
        if response.status in _TEMPORARY or (body and response.status >= 500):
            raise self._unexpected(response)
        if not isinstance(error, str):
            raise self._not_logto()
        raise ProvisionFailed(
            f"Logto refuses a token for the Management API with {response.status} {error[:60]}.",
            "See the audit log in the Logto Console, and check --management-api.",
        )

    def _refusal(self, response: JsonResponse) -> ProvisionFailed:
        body = response.body if isinstance(response.body, dict) else {}
        code = body.get("code")
        if isinstance(code, str) and code.startswith(_PLAN):
            return ProvisionFailed(
                f"The plan of this Logto does not allow it ({code[:60]}).",
                "Remove something that is not used there, or choose a larger plan.",
            )
        if response.status == 403 and isinstance(code, str) and code.startswith("auth."):
            return ProvisionFailed(
                f"The machine-to-machine application {self._machine.id} may not use the Management "
                "API.",
                f'Give it the role "{_ROLE}" in the Logto Console.',
            )
        if response.status >= 429:
            return self._unexpected(response)
        if not isinstance(code, str):
            return Unreachable(
                f"Logto at {self.endpoint} answered {response.status}, but not as Logto does.",
                "Check the address, and what is in front of it: a proxy or a firewall.",
            )
        problem, fix = _FIXES.get(
            code, (f"Logto refuses a call with {response.status} {code[:60]}.", "")
        )
        return Refused(problem, fix, status=response.status, code=code)

    def _unexpected(self, response: JsonResponse) -> Unreachable:
        return Unreachable(
            f"Logto at {self.endpoint} answered {response.status}.",
            "Wait a moment, and run the command again.",
        )

    def _not_logto(self) -> Unreachable:
        return Unreachable(
            f"{self.endpoint} is not a Logto endpoint.",
            "Pass the address that the Logto Console shows, such as https://tenant.logto.app, "
            "without a path.",
        )
