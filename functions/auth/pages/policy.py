"""The content security policy of the pages."""

import re

from functions.auth.pages.brand import Brand

_ORIGIN = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?"
)


def content_security_policy(brand: Brand, *, form_action: tuple[str, ...] = ()) -> str:
    """A policy that allows what the pages are made of, and nothing else.

    `form_action` names further origins that a form may lead to. Signing out posts to this origin
    and is redirected to the provider's, and Chromium holds redirects of a form to the policy too.
    Raises ValueError for anything but an origin.
    """
    for origin in form_action:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("a form's target in the content policy must be an origin")
    # Pictures of users are on whatever https host their directory names; the tab's icon is a
    # `data:` URL.
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src https: data:",
            # No page runs a script. This is for people who call `/me` or `/api/` from the browser's
            # own console, which the policy binds too.
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_action)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
