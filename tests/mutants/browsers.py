"""Guards of what links and other pages can make a browser do: requests, places to go on to."""

from tests.mutants.edits import always, becomes, instead, never, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import (
    BEARER,
    CALLBACK,
    COOKIES,
    EDGE,
    PAGES,
    QUERY,
    RETURN_TO,
    TARGETS,
    UNASKED,
)

_REQUEST, _RETURN_TO = "functions.auth.request", "functions.auth.return_to"
_PREFETCH, _PART = (
    f"{_REQUEST}:BrowserRequest.is_prefetch",
    f"{_REQUEST}:BrowserRequest.is_subresource",
)
_DELIBERATE = f"{_REQUEST}:BrowserRequest.is_deliberate_navigation"
_SIGN_IN, _SIGN_OUT = "functions.auth.routes.sign_in", "functions.auth.routes.sign_out"
_SAFE, _FORBIDDEN = f"{_RETURN_TO}:safe_return_to", f"{_RETURN_TO}:_is_forbidden"
_QUERY, _VIEWS = "shared.parsing.form", "functions.auth.pages.views"
_TARGETS, _METADATA = f"{RETURN_TO} {TARGETS}", 'self.http.header("sec-fetch-site")'
_TO_GET = 'return redirect(f"{browser.site.base_url}/sign-in{query}", status=303)'
_START = """start_sign_in(_parsed(browser, parameters), site=browser.site,
    browser_cookies=browser.browser_cookies, services=browser.services)"""
_WITH_COOKIE = """response = redirect(f"{browser.site.base_url}/sign-in{query}", status=303)
cookie = browser.cookies.new_browser_cookie(browser.services.random)
response.headers.append("Set-Cookie", browser.cookies.set_browser(cookie, 60))
return response"""

MUTANTS = (
    *(
        Mutant(f"prefetch: by the header {name}", f"{_REQUEST}:_PURPOSES", without(repr(name)), UNASKED, "prefetched nobody_asked")
        for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")
    ),
    *(
        Mutant(f"prefetch: by the word {word}", _PREFETCH, without(repr(word)), UNASKED, "prefetched nobody_asked")
        for word in ("prefetch", "prerender", "preview")
    ),
    Mutant("prefetch: in capitals", _PREFETCH, instead('" ".join(map(self.http.header, _PURPOSES)).lower()', '" ".join(map(self.http.header, _PURPOSES))'), UNASKED, "prefetched nobody_asked"),
    Mutant("part of a page: by its mode", _PART, without('mode not in ("", "navigate")'), UNASKED, "part_of_a_page nobody_asked"),
    Mutant("part of a page: by its destination", _PART, without('dest not in ("", "document")'), UNASKED, "part_of_a_page nobody_asked"),
    Mutant("sign-in: none by a prefetch", f"{_SIGN_IN}:sign_in", without("browser.is_prefetch"), UNASKED, "nobody_asked"),
    Mutant("sign-in: none by a part of a page", f"{_SIGN_IN}:sign_in", without("browser.is_subresource"), UNASKED, "nobody_asked"),
    Mutant("sign-in: a POST writes nothing", f"{_SIGN_IN}:sign_in_by_form", instead(_TO_GET, f"{_START}\n{_TO_GET}"), UNASKED, "leave_nothing"),
    Mutant("sign-in: a POST sets no cookie", f"{_SIGN_IN}:sign_in_by_form", instead(_TO_GET, _WITH_COOKIE), UNASKED, "leave_nothing"),
    Mutant("sign-out: a part of a page", _DELIBERATE, without("self.is_subresource"), UNASKED, "part_of_a_page"),
    Mutant("sign-out: Fetch Metadata names the mode", _DELIBERATE, instead(f"mode and dest and {_METADATA}", f"dest and {_METADATA}"), UNASKED, "anything"),
    Mutant("sign-out: Fetch Metadata names the destination", _DELIBERATE, instead(f"mode and dest and {_METADATA}", f"mode and {_METADATA}"), UNASKED, "anything"),
    Mutant("sign-out: Fetch Metadata names the site", _DELIBERATE, instead(f"mode and dest and {_METADATA}", "mode and dest"), UNASKED, "anything"),
    Mutant("sign-out: a request of a script", _DELIBERATE, without('self.http.header("x-requested-with")'), UNASKED, "anything"),
    Mutant("sign-out: types that are no page", _DELIBERATE, without("(accept and not _accepts_page(accept))"), UNASKED, "anything"),
    Mutant("sign-out: types of an image", f"{_REQUEST}:_accepts_page", instead('accept.startswith("*/*")', '"*/*" in accept'), UNASKED, "anything"),
    Mutant("sign-out: a link on another site", _DELIBERATE, instead('not referer or f"{referer}/".startswith(f"{self.site.origin}/")', "True"), UNASKED, "anything"),
    Mutant("sign-out: a link on a look-alike", _DELIBERATE, instead('f"{referer}/".startswith(f"{self.site.origin}/")', "referer.startswith(self.site.origin)"), UNASKED, "anything"),
    Mutant("sign-out: a request that may be anything gets a question", f"{_SIGN_OUT}:sign_out_by_link", without("browser.is_deliberate_navigation"), UNASKED, "ends_nothing asks_first"),
    Mutant("sign-out: a HEAD ends nothing", f"{_SIGN_OUT}:sign_out_by_link", without('browser.http.method == "GET"'), EDGE, "head_is_answered"),
    Mutant("sign-out: a link ends no session elsewhere", f"{_SIGN_OUT}:sign_out_by_link", instead("_end(browser, return_to=return_to)", '_end(browser, return_to=return_to, everywhere=browser.query(PARAMETERS, free=FREE).get("everywhere") == "true")'), UNASKED, "everywhere"),
    Mutant("sign-out: where it leads", f"{_SIGN_OUT}:_return_to", instead("safe_return_to(...)", "target"), UNASKED, "lands question"),
    Mutant("signed out: where it leads", "functions.auth.routes.signed_out:signed_out", instead("safe_return_to(...)", "(state or '/')"), UNASKED, "anybody_wrote"),
    Mutant("return_to: encoded dots are dots", f"{_RETURN_TO}:_DOT", becomes("re.compile(r'\\.')"), TARGETS, "becomes_home"),
    Mutant("return_to: encoded dots in capitals", f"{_RETURN_TO}:_DOT", becomes("re.compile(r'\\.|%2e')"), TARGETS, "becomes_home"),
    Mutant("return_to: empty segments are segments", f"{_RETURN_TO}:_resolved", instead('dots != "."', 'dots not in (".", "")'), TARGETS, "becomes_home"),
    Mutant("return_to: backslashes are slashes", _SAFE, without('path = path.replace("\\\\", "/")'), _TARGETS, "becomes_home loop"),
    Mutant("return_to: what browsers remove", f"{_RETURN_TO}:_REMOVED", becomes("{}"), _TARGETS, "becomes_home loop"),
    Mutant("return_to: length", _SAFE, always("len(encoded) <= MAX_CHARACTERS"), _TARGETS, "length too_long long_location"),
    Mutant("return_to: length once it is encoded", _SAFE, instead("len(encoded) <= MAX_CHARACTERS", "len(cleaned) <= MAX_CHARACTERS"), _TARGETS, "length too_long long_location"),
    *(
        Mutant(f"return_to: not {page}", f"{_RETURN_TO}:_FORBIDDEN", without(repr(page)), _TARGETS, "page_of_a_sign_in loop")
        for page in ("/sign-in", "/callback", "/sign-out", "/pass")
    ),
    Mutant("return_to: not below such a page", _FORBIDDEN, without('normal.startswith(f"{page}/")'), _TARGETS, "page_of_a_sign_in loop"),
    Mutant("return_to: not such a page in capitals", _FORBIDDEN, instead("_resolved(path).lower()", "_resolved(path)"), _TARGETS, "page_of_a_sign_in loop"),
    Mutant("return_to: not such a page behind dot segments", _FORBIDDEN, instead("_resolved(path).lower()", "path.lower()"), _TARGETS, "page_of_a_sign_in loop"),
    Mutant("return_to: not such a page once it is decoded", _FORBIDDEN, instead("""unquote(path).replace("\\\\", "/")""", "path"), _TARGETS, "page_of_a_sign_in loop"),
    Mutant("return_to: not such a page in several layers", f"{_RETURN_TO}:_MAX_LAYERS", becomes("3"), RETURN_TO, "loop"),
    Mutant("return_to: backslashes that decoding uncovers", _FORBIDDEN, instead("""unquote(path).replace("\\\\", "/")""", "unquote(path)"), TARGETS, "page_of_a_sign_in"),
    Mutant("return_to: such a page of this deployment", _FORBIDDEN, instead('f"{root}{page}".lower()', "page.lower()"), TARGETS, "root"),
    Mutant("form: parameters come once however they are spelled", f"{_QUERY}:parse_query", instead("_bytes(name).decode(...)", "name.decode('utf-8', 'replace')"), QUERY, "refused"),
    Mutant("form: length of a value", f"{_QUERY}:_text", never("len(text) > MAX_VALUE_CHARACTERS"), QUERY, "refused"),
    Mutant("form: UTF-8", f"{_QUERY}:_text", instead('_bytes(encoded).decode("utf-8")', '_bytes(encoded).decode("utf-8", "replace")'), f"{QUERY} {CALLBACK}", "refused query"),
    Mutant("callback: errors that have a name", "functions.auth.callback:_refusal", always("error in PROVIDER_ERRORS"), CALLBACK, "right_state"),
    Mutant("cookie: paths of the same letters", "shared.web.cookies:_slug", never("not _PLAIN_PATH.fullmatch(path)"), COOKIES, "one_host"),
    Mutant("cookie: local ports", "shared.web.cookies:Cookies.of", instead("'' if secure else str(parts.port or 80)", "''"), COOKIES, "one_host names_of"),
    Mutant("authorizer: headers of another scheme", "functions.authorizer.request:AuthorizerRequest.authorization", always("[name.lower() for name in scheme] == ['bearer']"), BEARER, "another_scheme"),
    Mutant("authorizer: a scheme in any letters", "functions.authorizer.request:AuthorizerRequest.authorization", instead("[name.lower() for name in scheme] == ['bearer']", "scheme == ['Bearer']"), BEARER, "saved_by"),
    Mutant("event: none but requests, at the pages", "functions.auth.application:_answer", never("not http.is_request"), EDGE, "no_request"),
    Mutant("event: none but requests, at the messages", "functions.notifications.application:_answer", never("not message.is_request"), EDGE, "no_request"),
    Mutant("event: none but requests, at the authorizer", "functions.authorizer.application:_answer", never("not http.is_request"), EDGE, "no_request"),
    Mutant("picture: none of this host", f"{_VIEWS}:HomeView.picture_url", without("host == _https_host(...)"), UNASKED, "picture"),
    Mutant("picture: hosts of plain characters", f"{_VIEWS}:_https_host", without("not _HOST.fullmatch(host)"), UNASKED, "picture"),
    Mutant("picture: this host with a full stop", f"{_VIEWS}:_https_host", instead('host.lower().rstrip(".")', "host.lower()"), UNASKED, "picture"),
    Mutant("picture: this host on this machine", f"{_VIEWS}:HomeView.picture_url", instead("self.origin.replace('http://', 'https://')", "self.origin"), PAGES, "picture"),
    Mutant("picture: nothing but https", f"{_VIEWS}:_https_host", without('parts.scheme != "https"'), f"{UNASKED} {PAGES}", "picture"),
)  # fmt: skip
