"""Render the pages: pure functions from values to HTML, CSS and a content security policy.

They have no script, no inline style, and no asset of another origin except the brand's logo and
the user's picture, so the policy forbids everything else.
"""

from functions.auth.pages.brand import Brand
from functions.auth.pages.policy import content_security_policy
from functions.auth.pages.render import (
    render_error,
    render_home,
    render_sign_out,
    render_signed_out,
)
from functions.auth.pages.sheets import accent_css, style_css
from functions.auth.pages.views import Action, HomeView

__all__ = [
    "Action",
    "Brand",
    "HomeView",
    "accent_css",
    "content_security_policy",
    "render_error",
    "render_home",
    "render_sign_out",
    "render_signed_out",
    "style_css",
]
