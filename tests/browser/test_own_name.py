"""A browser finds this machine by the name that `sam local` gives it, without a hosts file."""

from playwright.sync_api import Browser

from local.own_name import HOST
from tests.support.up import Up


def test_browser_resolves_the_name_of_the_stand_in(stack: Up, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(f"http://{HOST}:{stack.ports['LOGTO_PORT']}/console")
    assert answer is not None
    assert answer.status == 200
    assert "revokes the grant" in page.content()
    page.close()
