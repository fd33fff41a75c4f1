"""Run all checks, in the order in which things depend on each other."""

from provision.doctor import (
    checks_connectors,
    checks_deployment,
    checks_endings,
    checks_entra_settings,
    checks_logto,
    checks_sign_in,
)
from provision.doctor.finding import Finding
from provision.doctor.observed import Observed


def diagnose(observed: Observed) -> list[Finding]:
    """Return the findings of every check."""
    return [
        *(check(observed) for check in checks_logto.CHECKS),
        *(check(observed) for check in checks_endings.CHECKS),
        *(check(observed) for check in checks_sign_in.CHECKS),
        *checks_connectors.connectors(observed),
        *(check(observed) for check in checks_entra_settings.CHECKS),
        *(check(observed) for check in checks_deployment.SITE_CHECKS),
        *checks_deployment.table(observed),
        *checks_deployment.stack(observed),
    ]
