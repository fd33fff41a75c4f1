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
_ENTRA: Final = "/entra/"


class Robot(AbstractContextManager["Robot"]):
    """A browser at the stand-in, with its own cookies there.

    It keeps its sessions at Logto and at Entra from one sign-in to the next.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(follow_redirects=False, trust_env=False, timeout=10)
        self._account: str | None = None

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, url: str) -> httpx.Response:
        """Open a page, and follow redirects as long as they stay at the stand-in."""
        return self._follow(self._client.get(url))

    def submit(self, page: httpx.Response, form: str, **values: str) -> httpx.Response:
        """Submit the form whose action contains `form`, with its hidden fields and `values`."""
        for action, hidden in _forms(page):
            if form in action:
                return self._post(page, action, {**hidden, **values})
        raise LookupError(f"the page has no form whose action contains {form}")

    def sign_in(self, authorization_url: str, account: str = "alice0000001") -> str:
        """Sign in through a connector; the callback URL that leads to the application.

        If there is a session at Logto, it signs in the user of that session. A session of another
        account at Entra is forgotten first.
        """
        self._forget_another_account(account)
        page = self.open(authorization_url)
        if page.is_success and _ENTRA not in page.url.path:
            page = self.submit(page, "/sso")
        return self._pick(page, account)

    def sign_in_through(
        self, authorization_url: str, connector: str, account: str = "alice0000001"
    ) -> str:
        """Sign in through the connector with this id, by its button on Logto's page."""
        self._forget_another_account(account)
        page = self._at_logto(authorization_url)
        for action, hidden in _forms(page):
            if hidden.get("connector") == connector:
                return self._pick(self._post(page, action, hidden), account)
        raise LookupError(f"the page has no button of the connector {connector}")

    def sign_in_silently(self, authorization_url: str) -> str:
        """Sign in by the sessions at Logto and Entra alone; LookupError if there is a question."""
        return self.left(self.open(authorization_url))

    def sign_in_by_password(self, authorization_url: str, name: str, password: str) -> str:
        """Sign in at Logto itself, by an address or a user name and a password."""
        page = self._at_logto(authorization_url)
        return self.left(self.submit(page, "/sign-in", identifier=name, password=password))

    def end_session(self, url: str) -> str:
        """Confirm a sign-out; the URL that the browser is sent to."""
        return self.left(self.submit(self.open(url), "/oidc/session/end/confirm"))

    def forget_entra(self) -> None:
        """Forget the session at Entra, so that the next sign-in there asks for an account."""
        jar = self._client.cookies.jar
        for cookie in [one for one in jar if one.path == _ENTRA]:
            jar.clear(cookie.domain, cookie.path, cookie.name)
        self._account = None

    def left(self, page: httpx.Response) -> str:
        """The URL outside the stand-in that an answer leads to."""
        if not page.is_redirect:
            raise LookupError(f"the stand-in answered {page.status_code}: {page.text[:200]}")
        return page.headers["location"]

    def _at_logto(self, authorization_url: str) -> httpx.Response:
        """Open Logto's own sign-in page; from Entra's page it is reached by cancelling."""
        page = self.open(authorization_url)
        if page.is_success and _ENTRA in page.url.path:
            page = self.submit(page, "/oauth2/v2.0/sign-in")
        return page

    def _pick(self, page: httpx.Response, account: str) -> str:
        """Pick the account at Entra, unless its session answers; the URL that this leads to."""
        if page.is_success:
            page = self.submit(page, "/sign-in", account=account)
        self._account = account
        return self.left(page)

    def _forget_another_account(self, account: str) -> None:
        if self._account not in (None, account):
            self.forget_entra()

    def _post(self, page: httpx.Response, action: str, form: dict[str, str]) -> httpx.Response:
        return self._follow(self._client.post(urljoin(str(page.url), action), data=form))

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect and answer.headers["location"].startswith(self._url):
            answer = self._client.get(answer.headers["location"])
        return answer


def _forms(page: httpx.Response) -> list[tuple[str, dict[str, str]]]:
    """List a page's forms: the action, and the hidden fields."""
    return [
        (
            unescape(found["action"]),
            {name: unescape(value) for name, value in _HIDDEN.findall(found["body"])},
        )
        for found in _FORM.finditer(page.text)
    ]
