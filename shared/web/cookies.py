"""Name, write and parse the product's cookies.

The session cookie contains the secret that opens the session. A sign-out cookie keeps what follows
a sign-out at Logto. A browser cookie ties sign-in attempts to the browser that started them. All
tabs share one; tabs that start a sign-in before the browser has it get one each, under different
names: none overwrites one that another attempt needs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from shared.parsing import base64url
from shared.parsing.urls import is_plain_http_host
from shared.sealing import Random, is_secret, new_secret
from shared.session_handle import SessionHandle

_BROWSER_NAME = re.compile(r"[A-Za-z0-9_-]{6}")
_PLAIN_PATH = re.compile(r"(?:/[a-z0-9]+(?:-[a-z0-9]+)*)?")
"""A path that its slug alone tells from every other one."""
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
    """The cookies of one deployment.

    `secure` is false on a plain-http local origin only, where browsers refuse the `__Host-` prefix.
    Everywhere else a cookie without it is ignored: another subdomain may have set it. `suffix`
    keeps the names of deployments apart that share one host.
    """

    secure: bool
    suffix: str = ""

    @classmethod
    def of(cls, base_url: str) -> "Cookies":
        """Return the cookies of the deployment at this URL."""
        parts = urlsplit(base_url)
        secure = parts.scheme != "http" or not is_plain_http_host(parts.hostname)
        # Browsers share cookies across ports. A local stack knows its neighbours by their ports.
        port = "" if secure else str(parts.port or 80)
        return cls(secure=secure, suffix="-".join(filter(None, (port, _slug(parts.path)))))

    @property
    def session_name(self) -> str:
        return self._named("session")

    @property
    def _browser_prefix(self) -> str:
        return f"{self._named('signin')}-"

    @property
    def _sign_out_name(self) -> str:
        return self._named("signout")

    def _named(self, kind: str) -> str:
        suffix = f"-{self.suffix}" if self.suffix else ""
        return f"{'__Host-' if self.secure else ''}{kind}{suffix}"

    def session(self, header: bytes) -> SessionHandle | None:
        """Return the handle of the only session cookie, else None: two values mean injection."""
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

    def sign_out(self, header: bytes) -> str | None:
        """Return the value of the sign-out cookie; None if it is missing or ambiguous."""
        found = parse_cookies(header)
        values = {value for name, value in found if name == self._sign_out_name}
        return values.pop() if len(values) == 1 else None

    def browser_cookies(self, header: bytes) -> tuple[BrowserCookie, ...]:
        """Return the distinct browser cookies of a request, in order."""
        prefix = self._browser_prefix
        found = dict.fromkeys(
            BrowserCookie(name=name, value=value)
            for name, value in parse_cookies(header)
            if name.startswith(prefix)
            and _BROWSER_NAME.fullmatch(name.removeprefix(prefix))
            and is_secret(value)
        )
        return tuple(found)[:BROWSER_COOKIES_READ]

    def new_browser_cookie(self, random: Random) -> BrowserCookie:
        """Return a new browser cookie under a random name, so it replaces no other."""
        name = base64url.encode(random(5))[:6]
        return BrowserCookie(name=f"{self._browser_prefix}{name}", value=new_secret(random))

    def set_session(self, handle: SessionHandle) -> str:
        """Return a Set-Cookie value for a new session; it lasts until the browser closes."""
        return self._render(self.session_name, handle.cookie_value)

    def set_browser(self, cookie: BrowserCookie, max_age: int) -> str:
        """Return a Set-Cookie value that stores `cookie` for `max_age` seconds."""
        return self._render(cookie.name, cookie.value, max_age)

    def clear_session(self) -> str:
        """Return a Set-Cookie value that removes the session cookie."""
        return self._render(self.session_name, "", 0)

    def set_sign_out(self, value: str, max_age: int) -> str:
        """Return a Set-Cookie value that stores what follows a sign-out for `max_age` seconds."""
        return self._render(self._sign_out_name, value, max_age)

    def clear_sign_out(self) -> str:
        """Return a Set-Cookie value that removes the sign-out cookie."""
        return self._render(self._sign_out_name, "", 0)

    def _render(self, name: str, value: str, max_age: int | None = None) -> str:
        lifetime = "" if max_age is None else f"; Max-Age={max_age}"
        secure = "; Secure" if self.secure else ""
        return f"{name}={value}; Path=/{lifetime}{secure}; HttpOnly; SameSite=Lax"


def _slug(path: str) -> str:
    """Return a path's words, with a digest if another path has the same, so that names differ."""
    words = re.findall(r"[a-z0-9]+", path.lower())
    if not _PLAIN_PATH.fullmatch(path):
        words.append(sha256(path.encode()).hexdigest()[:8])
    return "-".join(words)


def parse_cookies(header: bytes) -> Iterable[tuple[str, str]]:
    """Yield the pairs of a Cookie header (RFC 6265 section 4.2.1). An invalid one is skipped."""
    for pair in header.split(b";"):
        name, separator, value = pair.strip(b" \t").partition(b"=")
        if separator:
            yield name.decode("latin-1"), value.decode("latin-1")
