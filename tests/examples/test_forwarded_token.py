"""The code of docs/protect.md for an API behind the relay: it accepts its own tokens alone."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from joserfc.jwk import ECKey

from tests.support.http_server import Handler, serving_http
from tests.support.tokens import ES384, signed

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = re.findall(r"```python\n(import jwt\n.*?)```", (ROOT / "docs/protect.md").read_text(), re.S)
ENDPOINT = "https://tenant.logto.app"
RESOURCE = "https://api.example.com/orders"
OTHER = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})


@pytest.fixture
def logto() -> Iterator[str]:
    """Serve Logto's keys; its endpoint."""

    class Keys(Handler):
        def do_GET(self) -> None:
            self.answer(200, json.dumps({"keys": [ES384.as_dict(private=False)]}).encode())

    with serving_http(Keys) as url:
        yield url


@pytest.fixture
def caller(logto: str) -> Callable[[dict[str, str]], Any]:
    (code,) = CODE
    assert code.count(ENDPOINT) == 1
    names: dict[str, Any] = {}
    exec(code.replace(ENDPOINT, logto), names)  # noqa: S102 - the document's own code
    function: Callable[[dict[str, str]], Any] = names["caller"]
    return function


def headers(logto: str, *, typ: str = "at+jwt", key: Any = ES384, **changes: Any) -> dict[str, str]:
    """Return the headers of a relayed request; a claim of None is left out."""
    claims = {
        "iss": f"{logto}/oidc",
        "aud": RESOURCE,
        "sub": "user-1",
        "exp": int(time.time()) + 3600,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return {"x-forwarded-access-token": signed(claims, key, header={"typ": typ})}


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT"])
def test_token_for_the_api_is_accepted(
    logto: str, caller: Callable[[dict[str, str]], Any], typ: str
) -> None:
    assert caller(headers(logto, typ=typ))["sub"] == "user-1"


REFUSED: dict[str, dict[str, Any]] = {
    "an ID token": {"typ": "JWT"},
    "another issuer": {"iss": "https://evil.test/oidc"},
    "another resource": {"aud": "https://api.example.com/other"},
    "expired": {"exp": 1_700_000_000},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
    "another key": {"key": OTHER},
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_token_is_refused(
    logto: str, caller: Callable[[dict[str, str]], Any], name: str
) -> None:
    with pytest.raises(jwt.PyJWTError):
        caller(headers(logto, **REFUSED[name]))


def test_request_without_the_header_is_refused(caller: Callable[[dict[str, str]], Any]) -> None:
    with pytest.raises(KeyError):
        caller({"authorization": "Bearer x"})
