"""HTTP to Logto: https or loopback only, no redirects, bounded time and size.

A process keeps one connection pool for all its invocations. Nothing here reads what it fetches;
`shared.oidc.provider` and `shared.oidc.logto` do.
"""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from shared.errors import ProviderMisbehaved, ProviderSilent, ProviderUnavailable
from shared.tracing import Span, no_span

TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Status and body of an answer; the body may hold tokens and is kept out of `repr`."""

    status: int
    body: bytes = field(repr=False)


class ProviderHttp:
    """A connection pool to one provider, bound to the event loop that uses it."""

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS, span: Span = no_span) -> None:
        self._span = span
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, url: str, *, bearer: str | None = None) -> Answer:
        """GET `url`. Raises ProviderUnavailable, ProviderSilent where the request was sent, and
        ProviderMisbehaved for what is no answer."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await self._send("GET", url, headers, None)

    async def post_form(self, url: str, form: dict[str, str]) -> Answer:
        """POST a form to `url`, once: what it carries may be single use. Errors as for `get`;
        ProviderSilent also for a 5xx, which may come from a proxy after Logto has done its part.
        """
        return await self._send("POST", url, {}, form)

    async def close(self) -> None:
        """Close the pool; it opens again with the next request."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> Answer:
        session = await self._pool()
        # A connection that the peer closed while this process was frozen is noticed by the event
        # loop only when it runs: let it, before the pool hands such a connection to a request
        # that must not be sent twice.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            with self._span(f"Logto {method}"):
                async with session.request(
                    method, url, headers=headers, data=form, allow_redirects=False
                ) as response:
                    body = await _bounded_body(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as failure:
            raise ProviderUnavailable(f"{method}: {type(failure).__name__}") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as failure:
            raise ProviderSilent(f"{method}: {type(failure).__name__}") from None
        except ValueError:
            raise ProviderMisbehaved("the answer is not HTTP") from None
        if response.status >= 500 and method == "POST":
            raise ProviderSilent(f"{method}: status {response.status}")
        if response.status == 429 or response.status >= 500:
            raise ProviderUnavailable(f"{method}: status {response.status}")
        if 300 <= response.status < 400:
            raise ProviderMisbehaved("the answer is a redirect, which is never followed")
        return Answer(status=response.status, body=body)

    async def _pool(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                connector=aiohttp.TCPConnector(limit=16, keepalive_timeout=60),
            )
        return self._session


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProviderMisbehaved("the answer is compressed although that was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            response.close()
            raise ProviderMisbehaved(f"the answer is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)
