"""The functions under exactly the template's policies: journeys pass, other calls are denied.

The roles are those of the stack, read back from where it was created. Each function signs with its
own role's credentials, and a gate before DynamoDB, SQS and Secrets Manager judges each request.
"""

import ast
import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.admin.application import make_handler as make_admin
from functions.auth.application import make_handler as make_auth
from functions.authorizer.application import make_handler as make_authorizer
from functions.notifications.application import make_handler as make_notifications
from harness.browser import FETCH, NAVIGATION
from harness.functions import (
    ROUTE,
    TOKEN_SETTINGS,
    Authorizer,
    Notifications,
)
from harness.patience import PATIENT
from harness.processes import log_to_stdout
from harness.product import DOMAIN, Clock, Product
from harness.wire import Wire
from local.logto.backchannel import logout_token
from local.logto.contoso import default_tenant
from local.logto.server import StandIn, running
from local.queue import poll
from shared.bootstrap import compose
from shared.oidc.client_secret import SecretReader, webhook_key
from shared.oidc.http_client import HttpClient
from shared.services import Services
from shared.store.dynamodb import aws_config
from shared.store.keys import ItemKey
from tests.hostile.faults import Faults
from tests.support import iam_gate
from tests.support.expansion import REGION
from tests.support.iam import Asked, dynamodb, is_allowed
from tests.support.iam_gate import Gate
from tests.template.conftest import Stack

ORIGIN = f"https://{DOMAIN}"
HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}
ROLES = {
    "auth": "AuthRole",
    "authorizer": "AuthorizerRole",
    "notifications": "NotificationsRole",
    "admin": "AdminRole",
}
CALLER = "arn:aws:sts::123456789012:assumed-role/operator/somebody"


@dataclass
class Deployment:
    """The four functions, each under its own role."""

    stack: Stack
    gate: Gate
    stand_in: StandIn
    clock: Clock = field(default_factory=Clock)
    keys: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)
    opened: list[HttpClient] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    secret_arn: str = ""
    webhook_key_arn: str = ""
    queue_url: str = ""
    refused_meanwhile: list[Asked] = field(default_factory=list)

    @property
    def table(self) -> str:
        return self.stack.made["Table"]

    @contextmanager
    def acting(self, service: str) -> Iterator[None]:
        """Give this function's credentials to clients that are made in the context."""
        before = dict(os.environ)
        os.environ |= self._credentials(service)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def services(self, service: str, **variables: str) -> Services:
        """Compose the services of one process under its own role."""
        credentials = self._credentials(service)
        self.clients[service] = boto3.client(
            "dynamodb",
            endpoint_url=self.gate.url,
            region_name=REGION,
            config=aws_config(PATIENT),
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
        )
        http = HttpClient(limits=PATIENT, clock=self.clock)
        self.opened.append(http)
        environment = {
            "LOGTO_ENDPOINT": self.stand_in.url,
            "LOGTO_APP_ID": "local-app",
            "LOGTO_APP_SECRET_ARN": self.secret_arn,
            "LOGTO_WEBHOOK_SIGNING_KEY_ARN": self.webhook_key_arn,
            "TABLE_NAME": self.table,
            "REVOCATION_QUEUE_URL": self.queue_url,
            "RECORD_CLIENT": "true",
            **TOKEN_SETTINGS,
            **variables,
        }
        services = compose(
            environment,
            service=service,
            needs_app_secret=service in ("auth", "authorizer"),
            client=self.clients[service],
            http=http,
            clock=self.clock,
            limits=PATIENT,
        )
        log_to_stdout(service)
        return services

    def _credentials(self, service: str) -> dict[str, str]:
        if service not in self.keys:
            self._assume(service)
        return self.assumed[service]

    def _assume(self, service: str) -> None:
        name = self.stack.made[ROLES[service]]
        iam = self.stack.client("iam")
        role = iam.get_role(RoleName=name)["Role"]
        policies = [
            _document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        sts = self.stack.client("sts")
        given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName=service)["Credentials"]
        self.keys[service] = given["AccessKeyId"]
        self.gate.policies[given["AccessKeyId"]] = policies
        self.assumed[service] = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.gate.url,
        }

    def auth(self) -> Product:
        services = self.services("auth")
        return Product(
            handler=make_auth(services, self.loop),
            services=services,
            client=self.clients["auth"],
            table_name=self.table,
            wire=Wire(self.clients["auth"]),
            clock=self.clock,
            environment={},
            stand_in=self.stand_in,
        )

    def authorizer(self) -> Authorizer:
        services = self.services("authorizer")
        return Authorizer(make_authorizer(services), services)

    def notifications(self) -> Notifications:
        services = self.services("notifications")
        key = webhook_key(services.settings, PATIENT, SecretReader(PATIENT), services.clock)
        return Notifications(make_notifications(services, key))

    def admin(self) -> Callable[..., dict[str, Any]]:
        services = self.services("admin")
        handler = make_admin(services, lambda *_: CALLER)

        def act(action: str, **values: str | None) -> dict[str, Any]:
            answer = handler({"action": action, "caller": "proof", **values}, None)
            assert answer["ok"] is True, answer
            return answer

        return act

    def close(self) -> None:
        for http in self.opened:
            http.close()
        asyncio.set_event_loop(None)
        self.loop.close()
        for client in self.clients.values():
            client.close()


def _document(kept: Any) -> dict[str, Any]:
    """Parse a policy of a stack; moto returns it as a Python literal."""
    document: dict[str, Any] = ast.literal_eval(kept)
    return document


@pytest.fixture(scope="module")
def deployment(create_stack: Callable[..., Stack], moto_url: str) -> Iterator[Deployment]:
    stack = create_stack()
    variables = stack.client("lambda").get_function(FunctionName=stack.made["AuthFunction"])
    others = stack.client("lambda").get_function(FunctionName=stack.made["NotificationsFunction"])
    tenant = default_tenant(f"https://{DOMAIN}")
    tenant.applications["local-app"].rotate_refresh_token_always = True
    tenant.applications["local-app"].backchannel_logout_session_required = True
    with running(tenant) as stand_in, iam_gate.running(moto_url) as gate:
        started = Deployment(stack=stack, gate=gate, stand_in=stand_in)
        stand_in.state.clock = started.clock
        environment = variables["Configuration"]["Environment"]["Variables"]
        started.secret_arn = environment["LOGTO_APP_SECRET_ARN"]
        environment = others["Configuration"]["Environment"]["Variables"]
        started.webhook_key_arn = environment["LOGTO_WEBHOOK_SIGNING_KEY_ARN"]
        started.queue_url = environment["REVOCATION_QUEUE_URL"]
        yield started
        started.close()


def everything(deployment: Deployment) -> None:
    """Run every journey, and the calls that only some journeys make."""
    with deployment.acting("auth"):
        auth = deployment.auth()
        first = auth.browser()
        assert auth.sign_in(first, query="connector=contoso00001").status == 302
    clock = deployment.clock
    assert first.get("/me", FETCH).status == 200
    clock.ahead += 301
    assert first.get("/").status == 200  # and activity is written
    assert auth.sign_in(first).status == 302  # and the session before it is deleted
    second = auth.browser()
    auth.sign_in(second)
    assert first.get("/sign-out", HERE).status == 303
    auth.sign_in(first)
    assert second.post("/sign-out?everywhere=true", {**HERE, "origin": ORIGIN}).status == 303
    assert first.get("/me", FETCH).status == 401

    clock.ahead += 60
    with deployment.acting("authorizer"):
        authorizer = deployment.authorizer()
        auth.sign_in(first)
        assert authorizer.ask(first) is not None
        assert authorizer.ask(first, route=ROUTE) is not None
    clock.ahead += 301
    assert authorizer.ask(first) is not None
    clock.ahead += 3250
    assert authorizer.ask(first, route=ROUTE) is not None  # a rotated refresh token is written
    auth.sign_in(second, "grace0000001")
    deployment.stand_in.tenant.users["grace0000001"].suspended = True
    assert authorizer.ask(second, route=ROUTE) is None  # the grant has ended, and the session
    assert second.get("/me", FETCH).status == 401

    notifications = deployment.notifications()
    auth.sign_in(first)
    memory = deployment.stand_in.state
    sid = next(reversed(memory.sessions.values())).sids["local-app"]
    assert notifications.log_out(logout_token(memory, "local-app", "alice0000001", sid)) == 200
    memory.tenant.applications["local-app"].backchannel_logout_session_required = False
    auth.sign_in(first)
    assert notifications.log_out(logout_token(memory, "local-app", "alice0000001", "")) == 200
    with deployment.acting("notifications"):
        event = {"event": "User.Deleted", "createdAt": "2020-01-01T00:00:00Z"}
        suspended = {**event, "data": {"id": "alice0000001"}}
        assert notifications.webhook(suspended) == 200
        queue_and_carry_out(deployment, notifications, suspended)

    admin = deployment.admin()
    clock.ahead += 60
    auth.sign_in(first)
    auth.sign_in(second, "bob000000001")
    (entry,) = admin("list_user", user="alice0000001")["sessions"]
    assert entry["ip"] == "192.0.2.1"
    assert admin("list_organization", organization="contosoorg01")["sessions"] == [entry]
    assert admin("end_session", session=entry["session"])["ended"] == 1
    assert admin("end_user", user="bob000000001")["ended"] == 1
    auth.sign_in(first)
    assert admin("end_organization", organization="contosoorg01")["ended"] == 1
    auth.sign_in(first)
    assert admin("erase_user", user="alice0000001")["receipt"]["left"] == 0


def queue_and_carry_out(
    deployment: Deployment, notifications: Notifications, message: dict[str, Any]
) -> None:
    """Let the table fail, so that messages are queued. Lambda polls with the function's role."""
    url, client = deployment.queue_url, boto3.Session(region_name=REGION).client("sqs")
    assert (
        "QueueArn"
        in client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    )
    faults = Faults(deployment.clients["notifications"])
    faults.arm("error 500", lambda sent: True)
    assert notifications.webhook(message) == 202
    assert poll(client, url, lambda event: notifications.handler(event, None))  # fails, is delayed
    assert not poll(client, url, lambda event: notifications.handler(event, None))
    assert notifications.webhook(message) == 202
    faults.disarm()
    assert poll(client, url, lambda event: notifications.handler(event, None))  # is deleted
    client.close()
    left = deployment.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"
    assert left["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


@pytest.fixture(scope="module")
def exercised(deployment: Deployment) -> Deployment:
    deployment.gate.refused.clear()
    everything(deployment)
    deployment.refused_meanwhile = list(deployment.gate.refused)
    return deployment


def test_every_journey_passes_with_these_policies(exercised: Deployment) -> None:
    """The journeys request nothing that the policies do not allow."""
    assert exercised.gate.used
    assert exercised.refused_meanwhile == []


def test_every_permission_is_used(exercised: Deployment) -> None:
    deployment = exercised
    granted = {
        (service, statement["Sid"], action)
        for service, key in deployment.keys.items()
        for policy in deployment.gate.policies[key]
        for statement in policy["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
        if action.startswith(("dynamodb:", "secretsmanager:", "sqs:"))
    }
    services = {key: service for service, key in deployment.keys.items()}
    used = {(services[key], sid, action) for key, sid, action in deployment.gate.used}
    assert granted - used == set()


SESSION, TOKEN, SUBJECT, ENDED = "session#a", "token#a", "subject#a", "ended#a"


def get(key: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "get_item", {"Key": ItemKey(key).attributes, **more}


def put(key: str) -> tuple[str, dict[str, Any]]:
    return "put_item", {"Item": {**ItemKey(key).attributes, "sealed": {"B": b"x"}}}


def delete(key: str) -> tuple[str, dict[str, Any]]:
    return "delete_item", {"Key": ItemKey(key).attributes}


def query(key: str) -> tuple[str, dict[str, Any]]:
    return "query", {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": key}},
    }


def update(key: str, name: str) -> tuple[str, dict[str, Any]]:
    return "update_item", {
        "Key": ItemKey(key).attributes,
        "UpdateExpression": f"SET {name} = :value",
        "ExpressionAttributeValues": {":value": {"S": "x"}},
    }


REFUSED: list[tuple[str, tuple[str, dict[str, Any]]]] = [
    ("auth", get("transaction#a")),
    ("auth", get(TOKEN)),
    ("auth", get(SUBJECT)),
    ("auth", put(SUBJECT)),
    ("auth", update(SUBJECT, "began_at")),
    ("auth", query(SESSION)),
    ("auth", query(TOKEN)),
    ("auth", query(ENDED)),
    ("auth", put(ENDED)),
    ("auth", put("replay#a")),
    ("auth", delete(ENDED)),
    ("auth", ("scan", {})),
    ("auth", ("scan", {"ProjectionExpression": "pk"})),
    ("authorizer", put(SESSION)),
    ("authorizer", put("transaction#a")),
    ("authorizer", update(SESSION, "began_at")),
    ("authorizer", update(SESSION, "organizations")),
    ("authorizer", update(SUBJECT, "sealed")),
    ("authorizer", update(ENDED, "expires_at")),
    ("authorizer", delete(TOKEN)),
    ("authorizer", delete(ENDED)),
    ("authorizer", get(SUBJECT)),
    ("authorizer", put(SUBJECT)),
    ("authorizer", query(SUBJECT)),
    ("authorizer", query(SESSION)),
    ("authorizer", get("transaction#a")),
    ("authorizer", ("scan", {})),
    ("notifications", get(SESSION)),
    ("notifications", get(SESSION, ProjectionExpression="sealed")),
    ("notifications", put(SESSION)),
    ("notifications", put(ENDED)),
    ("notifications", update(SESSION, "seen_at")),
    ("notifications", put(TOKEN)),
    ("notifications", delete(SESSION)),
    ("notifications", get(SUBJECT)),
    ("notifications", put(SUBJECT)),
    ("notifications", update(SUBJECT, "began_at")),
    ("notifications", delete(SUBJECT)),
    ("notifications", query(SESSION)),
    ("notifications", query("replay#a")),
    ("notifications", ("scan", {})),
    ("admin", get(SESSION)),
    ("admin", put(SESSION)),
    ("admin", put(ENDED)),
    ("admin", update(SESSION, "sealed")),
    ("admin", delete(SESSION)),
    ("admin", put(SUBJECT)),
    ("admin", update(SUBJECT, "began_at")),
    ("admin", delete(SUBJECT)),
    ("admin", query(SESSION)),
    ("admin", query(TOKEN)),
    ("admin", ("scan", {})),
    ("admin", ("scan", {"ProjectionExpression": "pk, sealed"})),
]


def batch(table: str, keys: list[str], projection: str | None) -> dict[str, Any]:
    part: dict[str, Any] = {"Keys": [ItemKey(key).attributes for key in keys]}
    return {
        "RequestItems": {table: part | ({"ProjectionExpression": projection} if projection else {})}
    }


@pytest.mark.parametrize(
    ("service", "call"), REFUSED, ids=[f"{s}-{c[0]}-{n}" for n, (s, c) in enumerate(REFUSED)]
)
def test_call_that_a_function_must_not_make_is_denied(
    deployment: Deployment, service: str, call: tuple[str, dict[str, Any]]
) -> None:
    deployment.services(service)
    deployment.gate.refused.clear()
    operation, arguments = call
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(deployment.clients[service], operation)(TableName=deployment.table, **arguments)
    assert len(deployment.gate.refused) == 1  # by a policy, and for no other reason


@pytest.mark.parametrize(
    ("service", "keys", "projection"),
    [
        ("auth", [SESSION], None),
        ("auth", [SESSION], "pk, sealed"),
        ("auth", [TOKEN], "pk"),
        ("authorizer", [SESSION, SUBJECT], None),
        ("authorizer", [ENDED], None),
        ("notifications", [SESSION], None),
        ("notifications", [SESSION], "pk, sealed"),
        ("notifications", [TOKEN], None),
        ("notifications", [SUBJECT], None),
        ("notifications", ["replay#a"], None),
        ("admin", [SESSION], None),
        ("admin", [SESSION], "sealed"),
        ("admin", [TOKEN], "pk"),
    ],
)
def test_batch_that_reads_sealed_or_other_items_is_denied(
    deployment: Deployment, service: str, keys: list[str], projection: str | None
) -> None:
    deployment.services(service)
    with pytest.raises(ClientError, match="AccessDenied"):
        deployment.clients[service].batch_get_item(**batch(deployment.table, keys, projection))


@pytest.mark.parametrize("service", ["auth", "notifications", "admin"])
@pytest.mark.parametrize("knows_select", [True, False])
def test_revocation_reads_only_unsealed_attributes_whether_or_not_iam_knows_select(
    deployment: Deployment, service: str, knows_select: bool
) -> None:
    """AWS lists `dynamodb:Select` for BatchGetItem, and describes it as Query's and Scan's."""
    deployment.services(service)
    policies = deployment.gate.policies[deployment.keys[service]]

    def may(projection: str | None) -> bool:
        request = batch("sessions", [SESSION], projection)
        (asked,) = dynamodb("BatchGetItem", request, "arn:aws:dynamodb:::table/")
        context = {**asked.context}
        if not knows_select:
            del context["dynamodb:Select"]
        table = next(
            statement["Resource"]
            for policy in policies
            for statement in policy["Statement"]
            if statement["Sid"] == "SessionsToEnd"
        )
        return is_allowed(policies, Asked(action=asked.action, resource=table, context=context))

    assert may("pk, seen_at, began_at, expires_at, client_ip, client_agent")
    assert not may("pk, seen_at, sealed")
    assert not may("sealed")
    assert not may(None)


@pytest.mark.parametrize("service", ["auth", "authorizer", "notifications", "admin"])
def test_batch_deletes_nothing_but_sessions_and_listings(
    deployment: Deployment, service: str
) -> None:
    deployment.services(service)
    others = (SESSION, SUBJECT) if service == "authorizer" else ()
    for key in (TOKEN, ENDED, "transaction#a", "replay#a", *others):
        request = {deployment.table: [{"DeleteRequest": {"Key": ItemKey(key).attributes}}]}
        with pytest.raises(ClientError, match="AccessDenied"):
            deployment.clients[service].batch_write_item(RequestItems=request)


@pytest.mark.parametrize("service", ["auth", "authorizer", "notifications", "admin"])
@pytest.mark.parametrize("key", [SESSION, SUBJECT])
def test_batch_that_puts_an_item_is_denied(deployment: Deployment, service: str, key: str) -> None:
    """IAM has one permission for what a batch puts and what it deletes."""
    deployment.services(service)
    for name in ("sealed", "began_at", "expires_at"):
        item = {**ItemKey(key).attributes, name: {"S": "x"}}
        request = {deployment.table: [{"PutRequest": {"Item": item}}]}
        with pytest.raises(ClientError, match="AccessDenied"):
            deployment.clients[service].batch_write_item(RequestItems=request)


@pytest.mark.parametrize("service", ["auth", "authorizer", "notifications", "admin"])
def test_reading_another_table_or_another_functions_secret_is_denied(
    deployment: Deployment, service: str
) -> None:
    deployment.services(service)
    with pytest.raises(ClientError, match="AccessDenied"):
        deployment.clients[service].get_item(TableName="another", Key=ItemKey(SESSION).attributes)
    with deployment.acting(service):
        session = boto3.Session(region_name=REGION)
        secrets = session.client("secretsmanager")
        app, webhook = deployment.secret_arn, deployment.webhook_key_arn
        mine = {"auth": app, "authorizer": app, "notifications": webhook}.get(service)
        for arn in {app, webhook} - {mine}:
            with pytest.raises(ClientError, match="AccessDenied"):
                secrets.get_secret_value(SecretId=arn)
        secrets.close()


@pytest.mark.parametrize("service", ["auth", "authorizer", "notifications", "admin"])
def test_using_another_queue_is_denied(deployment: Deployment, service: str) -> None:
    """Only the notifications function has a queue, and dead letters are for operators."""
    deployment.services(service)
    own = deployment.queue_url
    with deployment.acting(service):
        client = boto3.Session(region_name=REGION).client("sqs")
        urls = [
            deployment.stack.made["EndingsDeadLetterQueue"],
            own.replace("-endings", "-another"),
        ]
        for url in urls if service == "notifications" else [own, *urls]:
            with pytest.raises(ClientError, match="AccessDenied"):
                client.send_message(QueueUrl=url, MessageBody="x")
            with pytest.raises(ClientError, match="AccessDenied"):
                client.receive_message(QueueUrl=url)
        with pytest.raises(ClientError, match="AccessDenied"):
            client.purge_queue(QueueUrl=own)
        client.close()


def test_transaction_with_one_forbidden_part_is_denied(deployment: Deployment) -> None:
    deployment.services("authorizer")
    write = {"TableName": deployment.table, "Item": ItemKey(TOKEN).attributes}
    other = {"TableName": deployment.table, "Item": ItemKey(SESSION).attributes}
    client = deployment.clients["authorizer"]
    client.transact_write_items(TransactItems=[{"Put": write}])
    with pytest.raises(ClientError, match="AccessDenied"):
        client.transact_write_items(TransactItems=[{"Put": write}, {"Put": other}])


def test_smoke_check_may_invoke_three_aliases_and_report(deployment: Deployment) -> None:
    made, iam = deployment.stack.made, deployment.stack.client("iam")
    kept = iam.get_role_policy(RoleName=made["SmokeRole"], PolicyName="smoke")
    policies = [_document(kept["PolicyDocument"])]

    def may(action: str, resource: str) -> bool:
        return is_allowed(policies, Asked(action=action, resource=resource, context={}))

    start = f"arn:aws:lambda:{REGION}:123456789012:function:"
    for name in ("AuthFunction", "AuthorizerFunction", "NotificationsFunction"):
        assert may("lambda:InvokeFunction", f"{start}{made[name]}:live")
        assert not may("lambda:InvokeFunction", f"{start}{made[name]}")
        assert not may("lambda:UpdateFunctionCode", f"{start}{made[name]}:live")
    assert not may("lambda:InvokeFunction", f"{start}{made['AdminFunction']}")
    groups = f"arn:aws:codedeploy:{REGION}:123456789012:deploymentgroup:"
    told = "codedeploy:PutLifecycleEventHookExecutionStatus"
    assert may(told, f"{groups}application/any")
    assert not may(told, f"{groups}another/any")
