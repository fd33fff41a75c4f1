"""The switch for enterprise SSO in the sign-in experience."""

from provision.logto_api import LogtoApi
from provision.run import Change, Run, differences

WHAT = "enterprise SSO at Logto"


def ensure_single_sign_on(run: Run, api: LogtoApi) -> None:
    """Turn enterprise SSO on, and leave the rest of the sign-in experience alone.

    Raises ProvisionFailed.
    """
    experience = api.sign_in_experience()
    if experience.get("singleSignOnEnabled") is True:
        return
    run.record.single_sign_on = True
    run.save_record()
    change = Change(
        what=WHAT,
        action="turn on",
        name="sign-in experience",
        values=differences(experience, {"singleSignOnEnabled": True}),
    )
    run.apply(change, lambda: api.switch_single_sign_on(on=True))
