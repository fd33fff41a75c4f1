"""Logto's Management API: the calls that setting up needs, errors translated once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from provision.errors import ProvisionFailed, Refused, Unreachable
from provision.http import Answer, Http

Json = dict[str, Any]
SELF_HOSTED: Final = "https://default.logto.app/api"
_CLOUD: Final = re.compile(r"([a-z0-9]+)\.logto\.app")
_ROLE: Final = "Logto Management API access"
_PLAN: Final = ("subscription.", "system_limit.")
"""Begin the codes of what a plan or a server does not allow, or no more of."""
_PASSING: Final = (429, 502, 503, 504)
"""Answers of whatever stands in front of a service that is there."""
_FIXES: Final = {
    "single_sign_on.duplicate_connector_name": "another connector at Logto has that name already: "
    "choose another with --connector-name",
    "single_sign_on.forbidden_domains": "one of the domains is a public mail domain, where anybody "
    "can have an address: leave it out of --domain",
    "single_sign_on.invalid_domain_format": "one of the domains is not a domain such as "
    "contoso.com: correct --domain",
    "connector.invalid_config": "Logto cannot use the issuer: it must be reachable from Logto and "
    "end in /v2.0 without a slash behind it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine-to-machine application that acts for the operator."""

    id: str
    secret: str = field(repr=False)


def management_resource(endpoint: str) -> str:
    """The Management API's own indicator: a tenant's at Logto Cloud, else the default tenant's."""
    tenant = _CLOUD.fullmatch(urlsplit(endpoint).hostname or "")
    return f"https://{tenant[1]}.logto.app/api" if tenant else SELF_HOSTED


class LogtoApi:
    """One Logto, for the length of a command. Every method raises ProvisionFailed."""

    def __init__(self, endpoint: str, machine: Machine, *, resource: str | None = None) -> None:
        self.endpoint = endpoint
        self._machine = machine
        self._resource = resource or management_resource(endpoint)
        self._http = Http(endpoint, name="Logto")
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.__exit__(kind, failure, trace)

    def applications(self) -> list[Json]:
        """The Traditional web applications."""
        return self._list("/applications", params={"types": "Traditional"})

    def create_application(self, body: Json) -> Json:
        return self._object("POST", "/applications", json={"type": "Traditional", **body})

    def update_application(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/applications/{identifier}", json=body)

    def delete_application(self, identifier: str) -> None:
        self._delete(f"/applications/{identifier}")

    def application_secrets(self, identifier: str) -> list[Json]:
        return self._list(f"/applications/{identifier}/secrets")

    def connectors(self) -> list[Json]:
        return self._list("/sso-connectors")

    def create_connector(self, body: Json) -> Json:
        return self._object("POST", "/sso-connectors", json=body)

    def update_connector(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/sso-connectors/{identifier}", json=body)

    def delete_connector(self, identifier: str) -> None:
        self._delete(f"/sso-connectors/{identifier}")

    def sign_in_experience(self) -> Json:
        return self._object("GET", "/sign-in-exp")

    def switch_single_sign_on(self, *, on: bool) -> None:
        """Touches nothing else of the sign-in experience."""
        self._object("PATCH", "/sign-in-exp", json={"singleSignOnEnabled": on})

    def hooks(self) -> list[Json]:
        return self._list("/hooks")

    def create_hook(self, body: Json) -> Json:
        return self._object("POST", "/hooks", json=body)

    def update_hook(self, identifier: str, body: Json) -> Json:
        return self._object("PATCH", f"/hooks/{identifier}", json=body)

    def delete_hook(self, identifier: str) -> None:
        self._delete(f"/hooks/{identifier}")

    def _list(self, path: str, params: Mapping[str, str] | None = None) -> list[Json]:
        found = self._call("GET", path, params=params).body
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._no_logto()
        return found

    def _object(self, method: str, path: str, **options: Any) -> Json:
        found = self._call(method, path, **options).body
        if not isinstance(found, dict):
            raise self._no_logto()
        return found

    def _delete(self, path: str) -> None:
        """Gone is gone: deleting what somebody else has deleted is a success."""
        try:
            self._call("DELETE", path)
        except Refused as refusal:
            if refusal.status != 404:
                raise

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"authorization": f"Bearer {self._access_token()}"}
        answer = self._http.send(method, f"/api{path}", headers=headers, **options)
        if answer.status >= 300:
            raise self._refusal(answer)
        return answer

    def _access_token(self) -> str:
        if self._token is None:
            form = {
                "grant_type": "client_credentials",
                "resource": self._resource,
                "scope": "all",
            }
            machine = (quote(self._machine.id, safe=""), quote(self._machine.secret, safe=""))
            answer = self._http.send("POST", "/oidc/token", data=form, auth=machine)
            self._token = self._token_of(answer)
        return self._token

    def _token_of(self, answer: Answer) -> str:
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.status == 200 and isinstance(body.get("access_token"), str):
            return str(body["access_token"])
        error = body.get("error")
        if error == "invalid_client":
            raise ProvisionFailed(
                f"Logto refuses the id or the secret of the machine-to-machine application "
                f"{self._machine.id}: check MANAGEMENT_APP_ID and MANAGEMENT_APP_SECRET"
            )
        if error == "unauthorized_client":
            raise ProvisionFailed(
                f"the application {self._machine.id} is not a machine-to-machine application: "
                "create one of that type at Logto, and use its id and secret"
            )
        if error == "invalid_target":
            raise ProvisionFailed(
                f"Logto does not know the Management API as {self._resource}: pass its indicator "
                "with --management-api (the Logto Console shows it under API resources)"
            )
        passing = body or answer.status in _PASSING
        raise self._unexpected(answer) if passing else self._no_logto()

    def _refusal(self, answer: Answer) -> ProvisionFailed:
        body = answer.body if isinstance(answer.body, dict) else {}
        code = body.get("code")
        if isinstance(code, str) and code.startswith(_PLAN):
            return ProvisionFailed(
                f"the plan of this Logto does not allow it ({code[:60]}): remove something that is "
                "not used there, or choose a larger plan"
            )
        if answer.status == 403 and isinstance(code, str) and code.startswith("auth."):
            return ProvisionFailed(
                f"the machine-to-machine application {self._machine.id} may not use the Management "
                f'API: give it the role "{_ROLE}" in the Logto Console'
            )
        if answer.status >= 429 or not isinstance(code, str):
            return self._unexpected(answer)
        text = _FIXES.get(code, f"Logto refuses a call with {answer.status} {code[:60]}")
        return Refused(text, status=answer.status, code=code)

    def _unexpected(self, answer: Answer) -> Unreachable:
        return Unreachable(
            f"Logto at {self.endpoint} answered {answer.status} where it should not: wait a "
            "moment, and run it again"
        )

    def _no_logto(self) -> Unreachable:
        return Unreachable(
            f"{self.endpoint} is not a Logto endpoint: give the address that the Logto Console "
            "shows, such as https://tenant.logto.app, without a path"
        )
