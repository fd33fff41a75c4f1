"""Cache a provider's discovery document and signing keys for the life of a process.

They are fetched lazily and renewed every hour. If the provider cannot be reached, they serve for up
to a day. A token whose key is unknown is worth one more fetch, at a bounded rate.
"""

from dataclasses import dataclass
from typing import Any

from shared.clock import Clock, Deadline
from shared.errors import ProviderMisbehaved, ProviderUnavailable
from shared.limits import Limits
from shared.oidc.http_client import HttpClient, Response
from shared.parsing.strict_json import parse_json_object
from shared.parsing.urls import check_base, origin_of

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
_OPTIONAL_ENDPOINTS = ("end_session_endpoint", "revocation_endpoint", "introspection_endpoint")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderMetadata:
    """The discovery document as published, and the keys that its tokens are signed with."""

    document: dict[str, Any]
    keys: tuple[dict[str, Any], ...]

    @property
    def issuer(self) -> str:
        return str(self.document["issuer"])

    @property
    def algorithms(self) -> frozenset[str]:
        return frozenset(self.document["id_token_signing_alg_values_supported"])

    @property
    def names_issuer_in_callback(self) -> bool:
        """Whether a callback without `iss` must be refused (RFC 9207 section 2.4)."""
        return self.document.get("authorization_response_iss_parameter_supported") is True


class Provider:
    """The provider at one endpoint."""

    def __init__(self, *, endpoint: str, http: HttpClient, clock: Clock, limits: Limits) -> None:
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._limits = limits
        self._cached: ProviderMetadata | None = None
        self._fetched_at = 0.0
        self._failed_at = float("-inf")
        self._refetches = float(limits.key_refetches)
        self._refetches_counted_at = clock()

    def metadata(self, deadline: Deadline) -> ProviderMetadata:
        """Return the metadata. Raises ProviderUnavailable and ProviderMisbehaved."""
        now = self._clock()
        age = now - self._fetched_at
        if self._cached is not None and 0 <= age < self._limits.metadata_fresh_seconds:
            return self._cached
        usable = self._cached if 0 <= age < self._limits.metadata_stale_seconds else None
        pause = self._limits.metadata_outage_pause_seconds
        if usable is not None and 0 <= now - self._failed_at < pause:
            return usable
        return self._fetch_or(usable, deadline)

    def refetched(self, deadline: Deadline) -> ProviderMetadata:
        """Return the metadata after one more fetch, or the cache if no fetch is left."""
        cached = self.metadata(deadline)
        return self._fetch_or(cached, deadline) if self._take_refetch() else cached

    def refetched_or_unavailable(self, deadline: Deadline) -> ProviderMetadata:
        """Return the metadata after one more fetch. Raises ProviderUnavailable without any left."""
        self.metadata(deadline)
        if not self._take_refetch():
            raise ProviderUnavailable("no refetch of the signing keys is left at present")
        return self._fetch_or(None, deadline)

    def _take_refetch(self) -> bool:
        """Take one from the token bucket; False when it is empty."""
        now = self._clock()
        earned = max(0.0, now - self._refetches_counted_at) / self._limits.key_refetch_seconds
        self._refetches = min(float(self._limits.key_refetches), self._refetches + earned)
        self._refetches_counted_at = now
        if self._refetches < 1:
            return False
        self._refetches -= 1
        return True

    def _fetch_or(self, usable: ProviderMetadata | None, deadline: Deadline) -> ProviderMetadata:
        """Fetch, or fall back on what is `usable`, which then sets a shorter limit."""
        limits = self._limits
        seconds = limits.metadata_seconds if usable is None else limits.metadata_renewal_seconds
        try:
            return self._fetch(deadline.within(seconds))
        except (ProviderUnavailable, ProviderMisbehaved):
            self._failed_at = self._clock()
            if usable is None:
                raise
            return usable

    def _fetch(self, deadline: Deadline) -> ProviderMetadata:
        discovery = f"{self._endpoint}/oidc/.well-known/openid-configuration"
        document = read_document(self._http.get(discovery, deadline=deadline))
        check_metadata(document, endpoint=self._endpoint)
        keys = check_keys(read_document(self._http.get(document["jwks_uri"], deadline=deadline)))
        self._cached = ProviderMetadata(document=document, keys=keys)
        self._fetched_at = self._clock()
        return self._cached


def read_document(response: Response) -> dict[str, Any]:
    """Return the JSON object of a successful response. Raises ProviderMisbehaved."""
    if response.status != 200:
        raise ProviderMisbehaved(f"expected status 200 of a document, got {response.status}")
    try:
        return parse_json_object(response.body)
    except ValueError as fault:
        raise ProviderMisbehaved(f"a document of the provider: {fault}") from None


def check_metadata(document: dict[str, Any], *, endpoint: str) -> dict[str, Any]:
    """Return the discovery document. Raises ProviderMisbehaved, which names a wrong member.

    The issuer must be the one that it was fetched for (OIDC Discovery section 4.3), and every
    endpoint on its origin, so that no secret goes elsewhere.
    """
    if document.get("issuer") != f"{endpoint}/oidc":
        raise ProviderMisbehaved("discovery: `issuer` is not LOGTO_ENDPOINT followed by /oidc")
    for name in (*_ENDPOINTS, *_OPTIONAL_ENDPOINTS):
        url = document.get(name)
        if url is None and name in _OPTIONAL_ENDPOINTS:
            continue
        if not isinstance(url, str) or not _is_endpoint(url, endpoint):
            raise ProviderMisbehaved(f"discovery: `{name}` is not a URL on LOGTO_ENDPOINT's origin")
    algorithms = document.get("id_token_signing_alg_values_supported")
    if not isinstance(algorithms, list) or not all(isinstance(name, str) for name in algorithms):
        raise ProviderMisbehaved("discovery: `id_token_signing_alg_values_supported` is not a list")
    return document


def check_keys(document: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the public signing keys of a JWK Set (RFC 7517). Raises ProviderMisbehaved."""
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ProviderMisbehaved("the key set has no `keys`")
    usable = tuple(
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") in ("EC", "RSA")
        and key.get("use", "sig") == "sig"
    )
    if not usable:
        raise ProviderMisbehaved("the key set has no public signing key")
    return usable


def _is_endpoint(url: str, endpoint: str) -> bool:
    """Return whether secrets may be sent to this URL, and parameters added to it."""
    try:
        return origin_of(check_base(url)) == origin_of(endpoint)
    except ValueError:
        return False
