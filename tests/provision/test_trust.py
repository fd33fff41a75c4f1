"""Trust in a directory's addresses beside connectors of other customers.

Logto joins users by address, so an administrator of a trusted directory could sign in as another
customer's user. `setup` refuses such trust, and warns of trust that exists already.
"""

import dataclasses
from dataclasses import dataclass

import pytest

from local.logto.contoso import CONTOSO
from tests.provision.operators import FABRIKAM, CommandResult, Operator, refused, state

TRUST, NO_TRUST = "--trust-unverified-email", "--no-trust-unverified-email"
DESPITE = "--trust-despite-other-connectors"
OFF = f"setup connector update entra-contoso {NO_TRUST}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Options of `connector add`, the trust in Contoso before, and what follows."""

    options: tuple[str, ...]
    contoso_trusted: bool
    refused: bool = False
    fabrikam_trusted: bool = False
    warned: tuple[str, ...] = ()


CASES = {
    "no option, beside one without trust": Case(options=(), contoso_trusted=False),
    "no option, beside one with trust": Case(
        options=(), contoso_trusted=True, warned=("entra-contoso",)
    ),
    "no trust, beside one with trust": Case(
        options=(NO_TRUST,), contoso_trusted=True, warned=("entra-contoso",)
    ),
    "trust, beside one without trust": Case(options=(TRUST,), contoso_trusted=False, refused=True),
    "trust, beside one with trust": Case(options=(TRUST,), contoso_trusted=True, refused=True),
    "trust with the risk accepted": Case(
        options=(TRUST, DESPITE),
        contoso_trusted=False,
        fabrikam_trusted=True,
        warned=("entra-fabrikam",),
    ),
    "trust with the risk accepted, beside one with trust": Case(
        options=(TRUST, DESPITE),
        contoso_trusted=True,
        fabrikam_trusted=True,
        warned=("entra-contoso", "entra-fabrikam"),
    ),
    "the risk accepted, without trust": Case(options=(DESPITE,), contoso_trusted=False),
}


def trust_in(operator: Operator) -> dict[str, bool]:
    return {one.name: one.trust_unverified_email for one in operator.tenant.connectors.values()}


def update(operator: Operator, connector: str, *options: str) -> CommandResult:
    where = [*operator.where(), "--yes"]
    return operator.run("setup", "connector", "update", connector, *where, *options)


@pytest.mark.parametrize("name", CASES)
def test_second_connector(operator: Operator, name: str) -> None:
    case = CASES[name]
    assert operator.setup(TRUST if case.contoso_trusted else NO_TRUST).code == 0
    before = state(operator.tenant)
    result = operator.add("--json", *case.options)
    if case.refused:
        refused(result, "entra-fabrikam must not trust", "(entra-contoso)", NO_TRUST, DESPITE)
        assert state(operator.tenant) == before
        return
    assert result.code == 0, result.err
    assert trust_in(operator) == {
        "entra-contoso": case.contoso_trusted,
        "entra-fabrikam": case.fabrikam_trusted,
    }
    warnings = result.json["warnings"]
    assert [one.partition(" trusts unverified addresses")[0] for one in warnings] == [*case.warned]
    for warning, warned in zip(warnings, case.warned, strict=True):
        assert f"setup connector update {warned} {NO_TRUST}" in warning


def test_the_only_connector_is_trusted_without_a_warning(operator: Operator) -> None:
    result = operator.setup("--json")
    assert result.json["warnings"] == []
    assert trust_in(operator) == {"entra-contoso": True}


def test_the_plan_warns_before_it_asks(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    planned = operator.add("--dry-run")
    assert planned.code == 0
    assert "Warning: entra-contoso trusts unverified addresses beside other connectors: an " in (
        planned.err
    )
    assert state(operator.tenant) == before
    operator.answers = ["n"]
    options = ("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", *operator.entra_options())
    result = operator.run("setup", "connector", "add", *operator.where(), *options)
    assert result.code == 1
    assert result.err.index(OFF) < result.err.index("Go on?")
    assert state(operator.tenant) == before


def test_trust_is_not_asked_for_beside_another_connector(operator: Operator) -> None:
    operator.setup(NO_TRUST)
    operator.answers = ["y"]
    options = ("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", *operator.entra_options())
    result = operator.run("setup", "connector", "add", *operator.where(), *options)
    assert result.code == 0, result.err
    assert "Trust the addresses" not in result.err
    assert "This Logto has other connectors (entra-contoso)" in result.err
    assert trust_in(operator) == {"entra-contoso": False, "entra-fabrikam": False}


def test_the_question_after_the_risk_was_accepted_warns(operator: Operator) -> None:
    operator.setup(NO_TRUST)
    operator.answers = ["y", "y"]
    options = ("--entra-tenant", FABRIKAM, "--domain", "fabrikam.com", *operator.entra_options())
    result = operator.run("setup", "connector", "add", *operator.where(), *options, DESPITE)
    assert result.code == 0, result.err
    assert result.err.index("WARNING: this Logto has other connectors (entra-contoso)") < (
        result.err.index("Trust the addresses")
    )
    assert trust_in(operator) == {"entra-contoso": False, "entra-fabrikam": True}


def test_setup_again_keeps_trust_and_warns_or_refuses_if_it_is_asked_for(
    operator: Operator,
) -> None:
    operator.setup()
    operator.add()
    before = state(operator.tenant)
    refused(operator.setup(), "entra-contoso must not trust", "(entra-fabrikam)")
    again = operator.run(
        *("setup", *operator.where(), *operator.entra_options(), "--yes", "--name", "Northwind"),
        *("--entra-tenant", CONTOSO.tenant_id, "--domain", "contoso.com"),
    )
    assert again.code == 0, again.err
    assert OFF in again.err
    assert state(operator.tenant) == before


def test_update_turns_trust_off_and_changes_nothing_else(operator: Operator) -> None:
    """The operator needs no permission at Entra for it."""
    operator.setup("--logo-url", "https://contoso.example/logo.png")
    operator.add()
    operator.entra.may_register = False
    before = operator.tenant.connectors["contoso00001"]
    result = update(operator, "entra-contoso", NO_TRUST, "--json")
    assert result.code == 0, result.err
    (change,) = result.json["changed"]
    assert change["detail"] == "entra-contoso: trustUnverifiedEmail off"
    assert result.json["warnings"] == []
    after = operator.tenant.connectors["contoso00001"]
    assert after == dataclasses.replace(
        before,
        trust_unverified_email=False,
        config={**before.config, "trustUnverifiedEmail": False},
    )
    assert "Nothing to change." in update(operator, "contoso00001", NO_TRUST).out
    operator.entra.may_register = True
    assert operator.add("--json").json["warnings"] == []


def test_update_turns_trust_on_of_the_only_connector(operator: Operator) -> None:
    operator.setup(NO_TRUST)
    assert update(operator, "entra-contoso", TRUST).code == 0
    assert trust_in(operator) == {"entra-contoso": True}


def test_update_refuses_trust_beside_another_connector(operator: Operator) -> None:
    operator.setup(NO_TRUST)
    operator.add()
    before = state(operator.tenant)
    refused(update(operator, "entra-contoso", TRUST), "must not trust", DESPITE)
    assert state(operator.tenant) == before
    result = update(operator, "entra-contoso", TRUST, DESPITE)
    assert result.code == 0, result.err
    assert OFF in result.err
    assert trust_in(operator) == {"entra-contoso": True, "entra-fabrikam": False}


def test_update_dry_run_changes_nothing(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    result = update(operator, "entra-contoso", NO_TRUST, "--dry-run", "--json")
    assert [one["what"] for one in result.json["would_change"]] == ["connector at Logto"]
    assert state(operator.tenant) == before


def test_update_of_a_connector_that_does_not_exist(operator: Operator) -> None:
    refused(update(operator, "nobody", NO_TRUST), "Logto has no connector nobody", "connector list")


def test_update_without_an_option_ends_with_2(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    assert update(operator, "entra-contoso").code == 2
    assert state(operator.tenant) == before


def test_the_command_in_a_warning_quotes_the_name_of_a_connector(operator: Operator) -> None:
    theirs = dataclasses.replace(CONTOSO, id="theirs", name="Their's [/x]", client_id="c")
    operator.tenant.connectors["theirs"] = theirs
    result = operator.setup(NO_TRUST)
    assert result.code == 0, result.err
    quoted = """'Their'"'"'s [/x]'"""
    assert f"setup connector update {quoted} {NO_TRUST}" in result.err
