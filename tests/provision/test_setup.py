"""`setup` against Logto and Entra that nobody has set up."""

from tests.provision.conftest import Desk


def test_twice(desk: Desk) -> None:
    first = desk.setup()
    assert first.code == 0, first.err
    print(first.out, first.err)
    second = desk.setup()
    assert second.code == 0, second.err
    assert "Nothing to change." in second.out
