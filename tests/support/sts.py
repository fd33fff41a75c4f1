"""AWS STS for presigned requests: their signature is checked as AWS does, and moto answers.

moto's server tells services apart by an `Authorization` header, which a presigned URL has not.
"""

import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

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
    wanted = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )
    return hmac.compare_digest(wanted, given)


@contextmanager
def running_sts(moto_url: str) -> Iterator[str]:
    """Serve it while the context lasts; its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not _is_signed(self.path, self.headers["host"]):
                self.send_error(403)
                return
            query = dict(parse_qsl(urlsplit(self.path).query))
            asked = {name: query[name] for name in ("Action", "Version")}
            credential = query["X-Amz-Credential"]
            authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host"
            headers = {"authorization": authorization}
            with httpx.Client(trust_env=False) as client:
                answer = client.get(moto_url, params=asked, headers=headers)
            body = answer.content
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
