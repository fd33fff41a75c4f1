"""The sample events have the shape of the events that tests, local stack and bench build."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.http_event import as_authorizer_event, http_event

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
REQUESTS = sorted(name for name, event in SAMPLES.items() if "requestContext" in event)


def built(sample: dict[str, Any]) -> dict[str, Any]:
    """Build the event of the same request."""
    context = sample["requestContext"]
    event = http_event(
        context["http"]["method"],
        sample["rawPath"],
        sample["rawQueryString"],
        headers=sample["headers"],
        cookies=sample.get("cookies"),
        body=sample.get("body"),
        route_key=sample["routeKey"],
        path_parameters=sample.get("pathParameters"),
        domain=context["domainName"],
        now=context["timeEpoch"] / 1000,
    )
    if sample.get("type") == "REQUEST":
        return as_authorizer_event(event, sample["identitySource"])
    return event


@pytest.mark.parametrize("name", REQUESTS)
def test_sample_event_is_as_the_builder_makes_it(name: str) -> None:
    sample = SAMPLES[name]
    event = built(sample)
    assert set(event) == set(sample)
    # The bodies of the samples are readable, where API Gateway encodes forms.
    bodies = {"body", "isBase64Encoded"}
    assert {key: event[key] for key in set(event) - bodies} == {
        key: sample[key] for key in set(sample) - bodies
    }
