"""AWS STS for presigned requests: it checks their signature as AWS does, and moto answers.

moto's server distinguishes services by an `Authorization` header, which a presigned URL lacks.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.http_server import Handler, serving_http

SECRETS = {"test": "test"}
"""Secret access keys by access key."""


def _is_signed(url: str, host: str) -> bool:
    query = dict(parse_qsl(urlsplit(url).query))
    access_key, _, scope = query.get("X-Amz-Credential", "").partition("/")
    if access_key not in SECRETS or scope.count("/") != 3:
        return False
    given = query.pop("X-Amz-Signature", "")
    signer = SigV4QueryAuth(
        Credentials(access_key, SECRETS[access_key]), "sts", scope.split("/")[1]
    )
    request = AWSRequest("GET", f"http://{host}/?{urlencode(query)}")
    request.context["timestamp"] = query.get("X-Amz-Date", "")
    expected = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )
    return hmac.compare_digest(expected, given)


@contextmanager
def running_sts(moto_url: str) -> Iterator[str]:
    """Serve STS while the context lasts; its endpoint."""

    class Sts(Handler):
        def do_GET(self) -> None:
            if not _is_signed(self.path, self.headers["host"]):
                self.send_error(403)
                return
            query = dict(parse_qsl(urlsplit(self.path).query))
            call = {name: query[name] for name in ("Action", "Version")}
            credential = query["X-Amz-Credential"]
            authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host"
            headers = {"authorization": authorization}
            with httpx.Client(trust_env=False) as client:
                answer = client.get(moto_url, params=call, headers=headers)
            self.answer(answer.status_code, answer.content)

    with serving_http(Sts) as url:
        yield url
