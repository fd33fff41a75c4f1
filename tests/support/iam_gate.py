"""A gate before moto's server that judges signed requests by the policies of their signer."""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.expansion import ACCOUNT
from tests.support.http_server import Handler, serving_http
from tests.support.iam import Asked, applies, dynamodb, is_allowed

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_FORWARDED = ("authorization", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token")
_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "of-the-gate"}


@dataclass(slots=True)
class Gate:
    """A gate with `policies` by access key. `refused` and `used` record its decisions."""

    url: str
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[Asked] = field(default_factory=list)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    """Access key, statement and action of every permission that was needed."""

    def judge(self, key: str, asked: list[Asked]) -> bool:
        """Return whether the policies of an access key allow all that is asked."""
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
    """Run a gate while the context lasts, and yield it."""
    upstream = urlsplit(moto_url).netloc

    class Proxy(Handler):
        def do_POST(self) -> None:
            body = self.body()
            signed = _CREDENTIAL.search(self.headers.get("authorization", ""))
            asked = _asked(dict(self.headers), body, signed[2]) if signed else []
            if not signed or not asked or not gate.judge(signed[1], asked):
                refusal = {"__type": "AccessDeniedException", "message": "not authorized"}
                return self.answer(400, json.dumps(refusal).encode(), _HEADERS)
            connection = http.client.HTTPConnection(upstream)
            forwarded = {name: self.headers[name] for name in _FORWARDED if name in self.headers}
            connection.request("POST", self.path, body, forwarded)
            answer = connection.getresponse()
            self.answer(answer.status, answer.read(), _HEADERS)
            connection.close()

    with serving_http(Proxy) as url:
        gate = Gate(url=url)
        yield gate


def _asked(headers: Mapping[str, str], body: bytes, region: str) -> list[Asked]:
    """Return the permissions that a request needs; none if the product never makes such a one."""
    target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
    service, _, operation = target.rpartition(".")
    request: Any = json.loads(body)
    if service.startswith("DynamoDB"):
        return list(dynamodb(operation, request, f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/"))
    if service == "AmazonSQS":
        queue = request["QueueUrl"].rpartition("/")[2]
        resource = f"arn:aws:sqs:{region}:{ACCOUNT}:{queue}"
        return [Asked(action=f"sqs:{operation}", resource=resource, context={})]
    if service == "secretsmanager":
        action = f"secretsmanager:{operation}"
        return [Asked(action=action, resource=request["SecretId"], context={})]
    return []
