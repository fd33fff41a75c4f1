"""A gate before moto's server: every signed request is judged by the policies of who signed it."""

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.support.expansion import ACCOUNT
from tests.support.iam import Asked, applies, dynamodb, is_allowed

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_KEPT = ("authorization", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token")


@dataclass(slots=True)
class Gate:
    """`policies` by access key. `refused` and `used` tell what became of what was asked."""

    url: str
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[Asked] = field(default_factory=list)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    """Access key, statement and action of every permission that was needed."""

    def judge(self, key: str, asked: list[Asked]) -> bool:
        """Whether whoever has this access key may do all of it."""
        policies = self.policies.get(key, [])
        refused = [one for one in asked if not is_allowed(policies, one)]
        self.refused += refused
        for one in asked:
            for policy in policies:
                for statement in policy["Statement"]:
                    if applies(statement, one):
                        self.used.add((key, statement["Sid"], one.action))
        return not refused


@contextmanager
def running(moto_url: str) -> Iterator[Gate]:
    """A gate on a free port of this machine."""
    behind = urlsplit(moto_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            signed = _CREDENTIAL.search(self.headers.get("authorization", ""))
            asked = _asked(dict(self.headers), body, signed[2]) if signed else []
            if not signed or not asked or not gate.judge(signed[1], asked):
                refusal = {"__type": "AccessDeniedException", "message": "not authorized"}
                return self._answer(400, json.dumps(refusal).encode())
            connection = http.client.HTTPConnection(behind)
            kept = {name: self.headers[name] for name in _KEPT if name in self.headers}
            connection.request("POST", self.path, body, kept)
            answer = connection.getresponse()
            self._answer(answer.status, answer.read())
            connection.close()

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(body)))
            self.send_header("x-amzn-requestid", "of-the-gate")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gate = Gate(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _asked(headers: Mapping[str, str], body: bytes, region: str) -> list[Asked]:
    """What IAM is asked for a request; nothing for one that this product never makes."""
    target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
    service, _, operation = target.rpartition(".")
    request: Any = json.loads(body)
    if service.startswith("DynamoDB"):
        return list(dynamodb(operation, request, f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/"))
    if service == "secretsmanager":
        action = f"secretsmanager:{operation}"
        return [Asked(action=action, resource=request["SecretId"], context={})]
    return []
