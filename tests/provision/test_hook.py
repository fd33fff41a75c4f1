"""The webhook has the events that end sessions, and keeps those that others have added."""

import pytest

from local.logto.tenant import Webhook
from provision.desired import EVENTS
from tests.provision.operators import BASE_URL, Operator

URL = f"{BASE_URL}/webhooks/logto"
OLD = ("User.SuspensionStatus.Updated", "User.Deleted")
NEW = "Grant.LimitExceeded"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OLD, (*OLD, NEW)),
        (("User.Created", *OLD), ("User.Created", *OLD, NEW)),
        ((), EVENTS),
        ((NEW,), (NEW, *OLD)),
        ((*EVENTS, "User.Created"), (*EVENTS, "User.Created")),
    ],
)
@pytest.mark.parametrize("name", [f"Northwind (made by setup for {BASE_URL})", "by hand"])
def test_setup_adds_missing_events(
    operator: Operator, name: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    hook = Webhook(id="hook", url=URL, signing_key="key-1", events=before, name=name)
    operator.tenant.webhooks = (hook,)
    changes = operator.setup("--json").json["changed"]
    (changed,) = operator.tenant.webhooks
    assert changed.events == after
    assert (changed.id, changed.name, changed.signing_key) == ("hook", name, "key-1")
    updates = [one["detail"] for one in changes if one["what"] == "webhook at Logto"]
    assert updates == ([] if before == after else ["events"])
    assert "Nothing to change." in operator.setup().out
