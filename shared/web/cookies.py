"""Name, write and parse the product's cookies.

There are two kinds. The session cookie contains the secret that opens the session. A browser cookie
ties sign-in attempts to the browser that started them. All tabs share one; only tabs that start a
sign-in before the browser has it get one each, under different names, so that no attempt overwrites
the cookie that another one needs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.parsing import base64url
from shared.sealing import Random, is_secret, new_secret
from shared.session_handle import SessionHandle

_SECURE_PREFIX = "__Host-"
_SESSION = "session"
_BROWSER = "signin-"
_BROWSER_NAME = re.compile(r"[A-Za-z0-9_-]{6}")
SESSION_COOKIES_READ = 5
"""Limit of session cookies that are read from one request; a browser sends one."""
BROWSER_COOKIES_READ = 100
"""Limit of browser cookies that are read from one request: DynamoDB's limit of `IN` operands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowserCookie:
    """A cookie that ties sign-in attempts to a browser."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookies:
    """The cookies of one origin.

    `secure` is false on a plain-http local origin only, where browsers refuse the `__Host-` prefix.
    Everywhere else a cookie without the prefix is ignored: another subdomain may have set it.
    """

    secure: bool

    @property
    def session_name(self) -> str:
        return self._prefix + _SESSION

    @property
    def _prefix(self) -> str:
        return _SECURE_PREFIX if self.secure else ""

    def session(self, header: bytes) -> SessionHandle | None:
        """Return the handle of the session cookie; None if it is missing or ambiguous.

        A browser has one cookie of a `__Host-` name: two values mean injection.
        """
        handles = self.sessions(header)
        return handles[0] if len(handles) == 1 else None

    def sessions(self, header: bytes) -> tuple[SessionHandle, ...]:
        """Return a handle for every session cookie of a request: a sign-out ends all of them."""
        values = dict.fromkeys(
            value
            for name, value in parse_cookies(header)
            if name == self.session_name and is_secret(value)
        )
        return tuple(SessionHandle.of(value) for value in tuple(values)[:SESSION_COOKIES_READ])

    def browser_cookies(self, header: bytes) -> tuple[BrowserCookie, ...]:
        """Return the distinct browser cookies of a request, in order."""
        prefix = self._prefix + _BROWSER
        found = {
            (name, value): BrowserCookie(name=name, value=value)
            for name, value in parse_cookies(header)
            if name.startswith(prefix)
            and _BROWSER_NAME.fullmatch(name.removeprefix(prefix))
            and is_secret(value)
        }
        return tuple(found.values())[:BROWSER_COOKIES_READ]

    def new_browser_cookie(self, random: Random) -> BrowserCookie:
        """Return a new browser cookie under a random name, so it replaces no other."""
        name = base64url.encode(random(5))[:6]
        return BrowserCookie(name=f"{self._prefix}{_BROWSER}{name}", value=new_secret(random))

    def set_session(self, handle: SessionHandle) -> str:
        """Return a Set-Cookie value for a new session; it lasts until the browser closes."""
        return self._render(self.session_name, handle.cookie_value)

    def set_browser(self, cookie: BrowserCookie, max_age: int) -> str:
        """Return a Set-Cookie value that stores `cookie` for `max_age` seconds."""
        return self._render(cookie.name, cookie.value, max_age)

    def clear_session(self) -> str:
        """Return a Set-Cookie value that removes the session cookie."""
        return self._render(self.session_name, "", 0)

    def _render(self, name: str, value: str, max_age: int | None = None) -> str:
        lifetime = "" if max_age is None else f"; Max-Age={max_age}"
        secure = "; Secure" if self.secure else ""
        return f"{name}={value}; Path=/{lifetime}{secure}; HttpOnly; SameSite=Lax"


def parse_cookies(header: bytes) -> Iterable[tuple[str, str]]:
    """Yield name and value of each pair of a Cookie header (RFC 6265 section 4.2.1), in order.

    An invalid pair is skipped and does not hide others. Nothing is unquoted, decoded or folded in
    case: a name that differs in any way is another name.
    """
    for pair in header.split(b";"):
        name, separator, value = pair.strip(b" \t").partition(b"=")
        if separator:
            yield name.decode("latin-1"), value.decode("latin-1")
