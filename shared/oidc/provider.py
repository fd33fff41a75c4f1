"""What a process knows of its provider: metadata and keys, fetched late and kept.

Both are fetched when first needed, renewed when they have become old, and go on serving for a
day when the provider cannot be reached: an outage of the discovery or the key endpoint ends no
sign-in of a warm process. An unknown key id is worth one more look, at a bounded rate.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.errors import ProviderMisbehaved, ProviderUnavailable
from shared.oidc.http_client import ProviderHttp
from shared.parsing.strict_json import parse_json_object
from shared.parsing.urls import check_base, origin_of

FRESH_SECONDS = 3600
"""Age at which metadata and keys are fetched anew."""
STALE_SECONDS = 86_400
"""Age at which they are no longer used, reachable provider or not: a key may have been removed."""
FETCH_SECONDS = 4.0
"""Time for both documents where nothing usable is known."""
RENEWAL_SECONDS = 2.0
"""Time for both where what is known serves: it leaves a request its time for what it came for."""
OUTAGE_PAUSE_SECONDS = 30
"""How long a failed renewal is not tried again while what is known still serves."""
LOOKS = 5
"""Extra looks for unknown keys that may follow each other at once."""
LOOK_SECONDS = 10
"""Time that earns one more extra look."""

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
_OPTIONAL_ENDPOINTS = ("end_session_endpoint", "revocation_endpoint", "introspection_endpoint")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderMetadata:
    """Metadata as published, and the signing keys by which its tokens are checked."""

    metadata: dict[str, Any]
    keys: tuple[dict[str, Any], ...]

    @property
    def issuer(self) -> str:
        issuer: str = self.metadata["issuer"]
        return issuer

    @property
    def algorithms(self) -> frozenset[str]:
        return frozenset(self.metadata["id_token_signing_alg_values_supported"])

    @property
    def names_issuer_in_callback(self) -> bool:
        """Whether a callback without `iss` is to be refused (RFC 9207 section 2.4)."""
        return self.metadata.get("authorization_response_iss_parameter_supported") is True


class Provider:
    """The provider of one endpoint, for the life of a process."""

    def __init__(self, *, endpoint: str, http: ProviderHttp, clock: Clock) -> None:
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._known: ProviderMetadata | None = None
        self._fetched_at = 0.0
        self._failed_at = float("-inf")
        self._looks = float(LOOKS)
        self._looks_counted_at = clock()

    async def known(self) -> ProviderMetadata:
        """What is known, fetched if it has to be.

        Raises ProviderUnavailable where nothing usable is known and nothing can be fetched, and
        ProviderMisbehaved where the discovery document or the key set must not be used.
        """
        now = self._clock()
        age = now - self._fetched_at
        if self._known is not None and 0 <= age < FRESH_SECONDS:
            return self._known
        usable = self._known if 0 <= age < STALE_SECONDS else None
        if usable is not None and 0 <= now - self._failed_at < OUTAGE_PAUSE_SECONDS:
            return usable
        return await self._fetch_or(usable)

    async def refreshed(self) -> ProviderMetadata:
        """What is known after one more look, for a token that what was known cannot explain.

        Looks are rationed (`LOOKS`, `LOOK_SECONDS`), so a flood of unknown key ids cannot become a
        flood of requests; without one left, and in an outage, it is what was known.
        """
        known = await self.known()
        return await self._fetch_or(known) if self._take_look() else known

    async def looked_up(self) -> ProviderMetadata:
        """The same for what must not be refused by an outage: a look that fails raises
        ProviderUnavailable or ProviderMisbehaved."""
        known = await self.known()
        return await self._fetch_or(None) if self._take_look() else known

    def _take_look(self) -> bool:
        now = self._clock()
        earned = max(0.0, now - self._looks_counted_at) / LOOK_SECONDS
        self._looks = min(float(LOOKS), self._looks + earned)
        self._looks_counted_at = now
        if self._looks < 1:
            return False
        self._looks -= 1
        return True

    async def _fetch_or(self, usable: ProviderMetadata | None) -> ProviderMetadata:
        try:
            return await self._fetch_within(FETCH_SECONDS if usable is None else RENEWAL_SECONDS)
        except (ProviderUnavailable, ProviderMisbehaved):
            self._failed_at = self._clock()
            if usable is None:
                raise
            return usable

    async def _fetch_within(self, seconds: float) -> ProviderMetadata:
        try:
            async with asyncio.timeout(seconds):
                return await self._fetch()
        except TimeoutError:
            raise ProviderUnavailable("discovery and keys took too long") from None

    async def _fetch(self) -> ProviderMetadata:
        discovery = f"{self._endpoint}/oidc/.well-known/openid-configuration"
        metadata = check_metadata(await self._get_object(discovery), endpoint=self._endpoint)
        keys = check_keys(await self._get_object(metadata["jwks_uri"]))
        self._known = ProviderMetadata(metadata=metadata, keys=keys)
        self._fetched_at = self._clock()
        return self._known

    async def _get_object(self, url: str) -> dict[str, Any]:
        answer = await self._http.get(url)
        if answer.status != 200:
            raise ProviderMisbehaved(f"expected status 200 of a document, got {answer.status}")
        try:
            return parse_json_object(answer.body)
        except ValueError as fault:
            raise ProviderMisbehaved(f"a document of the provider: {fault}") from None


def check_metadata(document: dict[str, Any], *, endpoint: str) -> dict[str, Any]:
    """The discovery document, if it may be used.

    The issuer must be the one that the document was fetched for (OIDC Discovery section 4.3), and
    every endpoint must be on its origin, so that no secret goes elsewhere. Raises
    ProviderMisbehaved that names the member.
    """
    if document.get("issuer") != f"{endpoint}/oidc":
        raise ProviderMisbehaved("discovery: `issuer` is not LOGTO_ENDPOINT followed by /oidc")
    for name in (*_ENDPOINTS, *_OPTIONAL_ENDPOINTS):
        url = document.get(name)
        if url is None and name in _OPTIONAL_ENDPOINTS:
            continue
        if not isinstance(url, str) or not _is_endpoint(url, endpoint):
            raise ProviderMisbehaved(f"discovery: `{name}` is no URL on LOGTO_ENDPOINT's origin")
    algorithms = document.get("id_token_signing_alg_values_supported")
    if not isinstance(algorithms, list) or not all(isinstance(name, str) for name in algorithms):
        raise ProviderMisbehaved("discovery: `id_token_signing_alg_values_supported` is no list")
    return document


def check_keys(document: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The public signing keys of a JWK Set (RFC 7517 section 5). Raises ProviderMisbehaved."""
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ProviderMisbehaved("the key set holds no `keys`")
    usable = tuple(
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") in ("EC", "RSA")
        and key.get("use", "sig") == "sig"
    )
    if not usable:
        raise ProviderMisbehaved("the key set holds no public signing key")
    return usable


def _is_endpoint(url: str, endpoint: str) -> bool:
    """Whether secrets may be sent there, and parameters be added to it."""
    try:
        return origin_of(check_base(url)) == origin_of(endpoint)
    except ValueError:
        return False
