"""Trust in the e-mail addresses that a customer's directory sends.

Logto joins users by address, whatever the domains of a connector are. An administrator of a
trusted directory can write anybody's address into it, and then signs in as the user who has it.
So no directory should be trusted at a Logto that has connectors to several.
"""

import shlex

from provision.errors import ProvisionFailed
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.run import Change, Run, differences
from provision.steps.connector_members import WHAT, changed_names


def check_trust(
    run: Run, connectors: list[Json], name: str, *, wanted: bool | None, despite_others: bool
) -> None:
    """Refuse to trust a directory beside others, and warn of every one that stays trusted.

    `wanted` is the option for the connector with this name; None keeps what it has. Raises
    ProvisionFailed, unless the operator accepts the risk by `despite_others`.
    """
    others = [one for one in connectors if one.get("connectorName") != name]
    if not others:
        return
    if wanted and not despite_others:
        raise ProvisionFailed(
            f"{name} must not trust addresses beside other connectors ({names_of(others)}): "
            "an administrator of one customer's directory could sign in as another customer's "
            "user.",
            "Pass --no-trust-unverified-email, or accept this with "
            "--trust-despite-other-connectors.",
        )
    trusted = [one for one in others if is_trusting(one)]
    own = [one for one in connectors if one not in others]
    if wanted or (wanted is None and any(is_trusting(one) for one in own)):
        trusted.append({"connectorName": name})
    run.warnings += [_warning(name_of(one)) for one in trusted]


def set_trust(
    run: Run, api: LogtoApi, named: str, *, trusts: bool, despite_others: bool = False
) -> None:
    """Change the trust in one connector, given by name or id, and nothing else of it.

    Raises ProvisionFailed.
    """
    connectors = api.connectors()
    found = next((c for c in connectors if named in (c["id"], c.get("connectorName"))), None)
    if found is None:
        raise ProvisionFailed(
            f"Logto has no connector {named[:80]}.", "List them with setup connector list."
        )
    name = name_of(found)
    check_trust(run, connectors, name, wanted=trusts, despite_others=despite_others)
    if is_trusting(found) == trusts:
        return
    before = _config(found)
    body = {"config": {**before, "trustUnverifiedEmail": trusts}}
    detail = f"{name}: {', '.join(changed_names({'config': before}, body))}"
    change = Change(
        what=WHAT,
        action="update",
        detail=detail,
        name=name,
        id=found["id"],
        values=differences(before, body["config"]),
    )
    run.apply(change, lambda: api.update_connector(found["id"], body))


def is_trusting(connector: Json) -> bool:
    """Tell whether Logto trusts the addresses that come through a connector."""
    return _config(connector).get("trustUnverifiedEmail") is True


def distrust_command(name: str) -> str:
    """Return the command that turns the trust in a connector off."""
    return f"setup connector update {shlex.quote(name)} --no-trust-unverified-email"


def names_of(connectors: list[Json]) -> str:
    """Return the names of connectors, for a text."""
    return ", ".join(name_of(one) for one in connectors)


def name_of(connector: Json) -> str:
    """Return the name of a connector."""
    return str(connector.get("connectorName"))


def _config(connector: Json) -> Json:
    found = connector.get("config")
    return found if isinstance(found, dict) else {}


def _warning(name: str) -> str:
    return (
        f"{name} trusts unverified addresses beside other connectors: an administrator of its "
        "directory can write anybody's address into it, and sign in as another customer's user. "
        f"Turn the trust off: {distrust_command(name)}"
    )
