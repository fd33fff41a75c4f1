"""A company's proxy on this machine, which notes the requests that reach it and forwards none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.http_server import Handler, serving_http

SCHEMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """The proxy's URL, and the requests that have reached it."""

    url: str
    requests: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a machine behind the proxy, in both spellings."""
        names = [spelling for name in SCHEMES for spelling in (name, name.lower())]
        exceptions = {"NO_PROXY": "intranet.example.test", "no_proxy": ""}
        return {**dict.fromkeys(names, self.url), **exceptions}


@contextmanager
def recording_proxy() -> Iterator[Proxy]:
    """Run the proxy while the context lasts."""
    noted: list[str] = []

    class Recorder(Handler):
        def _note(self) -> None:
            noted.append(self.requestline)
            self.body()
            self.answer(502)

        do_CONNECT = do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _note

    with serving_http(Recorder) as url:
        yield Proxy(url=url, requests=noted)
