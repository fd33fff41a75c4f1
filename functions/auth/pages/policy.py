"""Build the content security policy of the pages."""

import re

_ORIGIN = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?"
)


def content_security_policy(*, form_action: tuple[str, ...] = ()) -> str:
    """Return a policy that allows what the pages contain. Raises ValueError for a non-origin.

    `form_action` names further origins to which a form may lead: Chromium applies the policy to the
    redirect of a sign-out to the provider, too.
    """
    for origin in form_action:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("a form's target in the policy must be an origin")
    # Users' pictures may be on any https host, and the tab's icon is a `data:` URL. No page runs a
    # script: `connect-src` allows calls of `/me` and `/api/` in the developer tools.
    return (
        "default-src 'none'; style-src 'self'; img-src https: data:; connect-src 'self'; "
        f"form-action {' '.join(("'self'", *form_action))}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
