"""AWS STS for presigned requests: it checks them as AWS does, and moto answers.

moto's server distinguishes services by an `Authorization` header, which a presigned URL lacks.
"""

import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import Message
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.http_server import Handler, serving_http

SECRETS = {"test": "test"}
"""Secret access keys by access key."""
CALL = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}


def presigned(endpoint: str, headers: Mapping[str, str], *, expires: int = 60) -> str:
    """Presign a request for the caller's identity, with these headers signed beside `host`."""
    request = AWSRequest("GET", f"{endpoint}/?{urlencode(CALL)}", headers=dict(headers))
    credentials = Credentials("test", SECRETS["test"])
    SigV4QueryAuth(credentials, "sts", "eu-central-1", expires=expires).add_auth(request)
    return str(request.url)


def _is_signed(url: str, headers: "Message[str, str]") -> bool:
    """Check the signature over the query and the values that arrived in the signed headers."""
    query = dict(parse_qsl(urlsplit(url).query))
    access_key, _, scope = query.get("X-Amz-Credential", "").partition("/")
    if access_key not in SECRETS or scope.count("/") != 3:
        return False
    given = query.pop("X-Amz-Signature", "")
    names = query.get("X-Amz-SignedHeaders", "").split(";")
    if "host" not in names or any(headers.get(name) is None for name in names):
        return False
    signer = SigV4QueryAuth(
        Credentials(access_key, SECRETS[access_key]), "sts", scope.split("/")[1]
    )
    request = AWSRequest(
        "GET",
        f"http://{headers['host']}/?{urlencode(query)}",
        headers={name: headers[name] for name in names if name != "host"},
    )
    request.context["timestamp"] = query.get("X-Amz-Date", "")
    expected = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )
    return hmac.compare_digest(expected, given) and _is_valid_now(query)


def _is_valid_now(query: Mapping[str, str]) -> bool:
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return time.time() <= signed_at.timestamp() + int(query["X-Amz-Expires"])


@contextmanager
def running_sts(moto_url: str) -> Iterator[str]:
    """Serve STS while the context lasts; its endpoint."""

    class Sts(Handler):
        def do_GET(self) -> None:
            if not _is_signed(self.path, self.headers):
                self.send_error(403)
                return
            query = dict(parse_qsl(urlsplit(self.path).query))
            call = {name: query[name] for name in CALL}
            credential = query["X-Amz-Credential"]
            authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host"
            headers = {"authorization": authorization}
            with httpx.Client(trust_env=False) as client:
                answer = client.get(moto_url, params=call, headers=headers)
            self.answer(answer.status_code, answer.content)

    with serving_http(Sts) as url:
        yield url
