"""The created stack: table, roles and functions are those of the template.

moto makes neither TTL, encryption, architecture nor layers of a stack's resources;
`test_expansion.py` checks them in the expanded template.
"""

from collections.abc import Callable

import pytest

from tests.template.conftest import Stack
from tests.template.parameters import DOMAIN, FRONT, KEY

FUNCTIONS = {"AuthFunction", "AuthorizerFunction", "NotificationsFunction", "AdminFunction"}


@pytest.mark.parametrize(
    "given", [{}, KEY, DOMAIN, {**FRONT, **KEY}], ids=["defaults", "key", "domain", "front"]
)
def test_created_stack_matches_the_template(
    create_stack: Callable[..., Stack], given: dict[str, str]
) -> None:
    stack = create_stack(**given)
    (described,) = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    made = stack.made
    dynamodb = stack.client("dynamodb")
    table = dynamodb.describe_table(TableName=made["Table"])["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table.get("GlobalSecondaryIndexes", []) == []
    functions = stack.client("lambda")
    roles = stack.client("iam")
    for name in FUNCTIONS | {"SmokeFunction"}:
        function = functions.get_function(FunctionName=made[name])["Configuration"]
        assert function["Runtime"] == "python3.13"
        role = made[name.removesuffix("Function") + "Role"]
        assert function["Role"].endswith(f"/{role}")
        assert len(roles.list_role_policies(RoleName=role)["PolicyNames"]) == 1
        assert roles.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        if name in FUNCTIONS:
            assert function["Environment"]["Variables"]["TABLE_NAME"] == made["Table"]
