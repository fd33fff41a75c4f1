"""Send requests to the provider's endpoints as this application, until a deadline."""

from dataclasses import dataclass, field
from typing import Any

from shared.clock import Deadline
from shared.errors import ClientRefused
from shared.oidc.client_secret import StoredSecret
from shared.oidc.http_client import HttpClient, Response
from shared.oidc.provider import ProviderMetadata, read_document
from shared.oidc.token_response import oauth_error
from shared.parsing.strict_json import parse_json_object


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """The provider's endpoints.

    Every method raises ClientRefused when the application's credentials are refused,
    ProviderUnavailable, ProviderSilent and ProviderMisbehaved.
    """

    app_id: str
    provider: ProviderMetadata = field(repr=False)
    http: HttpClient = field(repr=False)
    secret: StoredSecret
    deadline: Deadline

    def request_tokens(self, form: dict[str, str]) -> Response:
        """Send one request to the token endpoint (RFC 6749 section 4.1.3 and section 6)."""
        return self._post(self.provider.document["token_endpoint"], form)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """Return the claims of the userinfo endpoint (OIDC Core section 5.3), unchecked."""
        url = self.provider.document["userinfo_endpoint"]
        return read_document(self.http.get(url, bearer=access_token, deadline=self.deadline))

    def is_active(self, refresh_token: str) -> bool | None:
        """Return whether a refresh token can still be redeemed (RFC 7662); None for no verdict."""
        endpoint = self.provider.document.get("introspection_endpoint")
        if endpoint is None:
            return None
        response = self._post(endpoint, _refresh_token_form(refresh_token))
        try:
            active = parse_json_object(response.body).get("active")
        except ValueError:
            return None
        return active if response.status == 200 and isinstance(active, bool) else None

    def revoke(self, refresh_token: str) -> None:
        """Revoke the grant of a refresh token (RFC 7009 section 2.1), if Logto offers it."""
        endpoint = self.provider.document.get("revocation_endpoint")
        if endpoint is not None:
            self._post(endpoint, _refresh_token_form(refresh_token))

    def _post(self, url: str, form: dict[str, str]) -> Response:
        """Send one request; a second only when the secret was refused and has been rotated.

        A refused secret means that nothing was redeemed, so a second request repeats nothing.
        """
        secret = self.secret.value(self.deadline)
        response = self._post_with(secret, url, form)
        if oauth_error(response) != "invalid_client":
            return response
        renewed = self.secret.renewed(secret, self.deadline)
        if renewed is None:
            raise ClientRefused("the provider refuses LOGTO_APP_ID or its secret")
        return self._post_with(renewed, url, form)

    def _post_with(self, secret: str, url: str, form: dict[str, str]) -> Response:
        credentials = {"client_id": self.app_id, "client_secret": secret}
        return self.http.post_form(url, {**form, **credentials}, deadline=self.deadline)


def _refresh_token_form(token: str) -> dict[str, str]:
    return {"token": token, "token_type_hint": "refresh_token"}
