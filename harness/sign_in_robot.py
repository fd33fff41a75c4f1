"""A robot at the stand-in for Logto: it opens its pages and submits their forms."""

import re
from contextlib import AbstractContextManager
from html import unescape
from typing import Final
from urllib.parse import urljoin

import httpx

_FORM: Final = re.compile(
    r"<form[^>]*action=\"(?P<action>[^\"]+)\"[^>]*>(?P<body>.*?)</form>", re.S
)
_HIDDEN: Final = re.compile(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">")


class Robot(AbstractContextManager["Robot"]):
    """A browser at the stand-in, with its own cookies there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(follow_redirects=False, trust_env=False, timeout=10)

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, url: str) -> httpx.Response:
        """Open a page, and follow redirects as long as they stay at the stand-in."""
        return self._follow(self._client.get(url))

    def submit(self, page: httpx.Response, form: str, **values: str) -> httpx.Response:
        """Submit the form whose action contains `form`, with its hidden fields and `values`."""
        for found in _FORM.finditer(page.text):
            if form in found["action"]:
                hidden = {n: unescape(v) for n, v in _HIDDEN.findall(found["body"])}
                target = urljoin(str(page.url), unescape(found["action"]))
                return self._follow(self._client.post(target, data={**hidden, **values}))
        raise LookupError(f"the page has no form whose action contains {form}")

    def sign_in(self, authorization_url: str, account: str = "alice0000001") -> str:
        """Sign in through the connector; the callback URL that leads to the application."""
        page = self.open(authorization_url)
        if page.is_success and "/entra/" not in page.url.path:
            page = self.submit(page, "/sso")
        if page.is_success:
            page = self.submit(page, "/sign-in", account=account)
        return self.left(page)

    def end_session(self, url: str) -> str:
        """Confirm a sign-out; the URL that the browser is sent to."""
        return self.left(self.submit(self.open(url), "/oidc/session/end/confirm"))

    def left(self, page: httpx.Response) -> str:
        """The URL outside the stand-in that an answer leads to."""
        if not page.is_redirect:
            raise LookupError(f"the stand-in answered {page.status_code}: {page.text[:200]}")
        return page.headers["location"]

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect and answer.headers["location"].startswith(self._url):
            answer = self._client.get(answer.headers["location"])
        return answer
