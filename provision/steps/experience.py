"""The switch of enterprise SSO in the sign-in experience."""

from provision.logto_api import LogtoApi
from provision.run import Change, Run

WHAT = "enterprise SSO at Logto"


def ensure_single_sign_on(run: Run, api: LogtoApi) -> None:
    """On, and the rest of the sign-in experience as it is. Raises ProvisionFailed."""
    if api.sign_in_experience().get("singleSignOnEnabled") is True:
        return
    run.record.single_sign_on = True
    run.remember()
    change = Change(what=WHAT, action="turn on")
    run.change(change, lambda: api.switch_single_sign_on(on=True))
