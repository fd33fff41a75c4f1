"""Settings that Logto refuses: the page, the log and doctor say so, and nobody is told to retry."""

from urllib.parse import parse_qs, urlsplit

import pytest

from harness.product import started_product
from harness.sign_in_robot import Robot
from local.logto.server import StandIn


@pytest.mark.parametrize(
    "resource", ["https://api.unknown.test", "urn:logto:organization:unknown00001"]
)
def test_resource_that_logto_does_not_know_is_a_problem_of_the_set_up(
    stand_in: StandIn,
    dynamodb_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    resource: str,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in, LOGTO_RESOURCES=resource) as product:
        browser = product.browser()
        started = browser.get("/sign-in")
        with Robot(stand_in.url) as robot:
            callback = robot.sign_in_silently(started.location)
        assert parse_qs(urlsplit(callback).query)["error"] == ["invalid_target"]
        capfd.readouterr()
        reply = browser.get(callback)
    assert reply.status == 502
    assert "This sign-in is not set up correctly" in reply.body
    assert "/sign-in" not in reply.body
    printed = "".join(capfd.readouterr())
    assert "LOGTO_RESOURCES" in printed
    assert '"reason":"configuration_refused"' in printed.replace(" ", "")
    assert '"level":"ERROR"' in printed.replace(" ", "")
