"""GET /signed-out: the browser lands here after a sign-out, and goes on to what follows."""

from fastapi import APIRouter, Request, Response

from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect, remember
from functions.auth.return_to import safe_return_to

router = APIRouter()
FREE = frozenset({"state"})


@router.api_route("/signed-out", methods=["GET", "HEAD"])
async def signed_out(request: Request) -> Response:
    """Go on to Microsoft's sign-out, a new sign-in, or the page that the sign-out named.

    Logto and Microsoft both return here. Logto returns the `state` of the end-session request.
    Anybody can write it, so it is checked as at /sign-out.
    """
    browser = BrowserRequest.of(request)
    site, after = browser.site, browser.after_sign_out
    is_asked = not (browser.is_prefetch or browser.is_subresource)
    if is_asked and after is not None:
        url, left = after.step(site)
        response = redirect(url)
        remember(browser, response, left)
        return response
    state = browser.query(frozenset(), free=FREE).get("state")
    return redirect(f"{site.origin}{safe_return_to(state, root=site.root)}")
