"""Remember in a cookie what follows a sign-out at Logto: Microsoft's own sign-out, and a page here.

Logto does not end the session at Microsoft, which would let the same account in again. Microsoft
returns the browser without any parameter, and the `state` that Logto returns can be written by
anybody. So what is left of the way is kept in a cookie, and /signed-out takes one step at a time.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode

from functions.auth.entra_claims import is_login_url
from functions.auth.return_to import safe_return_to
from shared.parsing import base64url
from shared.parsing.strict_json import parse_json_object
from shared.settings import Settings
from shared.web.base_url import Site


class Destination(StrEnum):
    """Where the way ends."""

    PAGE = "page"
    """At `return_to`."""
    SIGN_IN = "sign_in"
    """At a new sign-in; the user has been signed out at Microsoft."""
    SIGN_IN_PAGE = "sign_in_page"
    """At Logto's own sign-in page: Microsoft would let the same account in again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AfterSignOut:
    """What follows. `return_to` is the local page to go on to; empty for the start page."""

    login_url: str | None
    """Where Microsoft is yet to sign the user out: `EntraUser.login_url`."""
    destination: Destination
    return_to: str = ""

    @classmethod
    def of_sign_out(
        cls, *, login_url: str | None, return_to: str, switch: bool, settings: Settings
    ) -> Self | None:
        """Return what follows a sign-out; None if only the `return_to` does.

        `switch` asks for a sign-in with another account. `login_url` is None if the user did not
        come from Microsoft, or it is not known.
        """
        if switch:
            destination = Destination.SIGN_IN if login_url else Destination.SIGN_IN_PAGE
        elif settings.sign_out_upstream and login_url is not None:
            destination = Destination.PAGE
        else:
            return None
        return cls(login_url=login_url, destination=destination, return_to=return_to)

    @classmethod
    def of_cookie(cls, value: str | None, settings: Settings) -> Self | None:
        """Parse a cookie's value; None if it is missing or not valid."""
        if value is None:
            return None
        try:
            return cls._of_members(parse_json_object(base64url.decode(value)), settings)
        except ValueError:
            return None

    @classmethod
    def _of_members(cls, members: Mapping[str, Any], settings: Settings) -> Self | None:
        match members:
            case {
                "login_url": None | str() as url,
                "destination": str() as destination,
                "return_to": str() as return_to,
            } if url is None or is_login_url(url, settings):
                known = Destination(destination)
                return cls(login_url=url, destination=known, return_to=return_to)
        return None

    def cookie_value(self) -> str:
        """Return the value for a cookie: under 3 KB, as `return_to` has at most 2,048 characters.

        Browsers keep cookies of up to 4 KB.
        """
        return base64url.encode(json.dumps(asdict(self), separators=(",", ":")).encode())

    def step(self, site: Site) -> tuple[str, Self | None]:
        """Return the URL that the browser goes to next, and what is left after that."""
        if self.login_url is not None:
            # Microsoft returns to registered redirect URIs only, so this one has no query.
            query = urlencode({"post_logout_redirect_uri": site.signed_out_uri})
            url = f"{self.login_url}/oauth2/v2.0/logout?{query}"
            return url, replace(self, login_url=None)
        return_to = safe_return_to(self.return_to, root=site.root)
        if self.destination is Destination.PAGE:
            return f"{site.origin}{return_to}", None
        first_screen = (
            {"first_screen": "sign_in"} if self.destination is Destination.SIGN_IN_PAGE else {}
        )
        query = urlencode({**first_screen, "return_to": return_to})
        return f"{site.base_url}/sign-in?{query}", None
