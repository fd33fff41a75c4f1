"""All checks, in the order in which things depend on each other."""

from provision.doctor import checks_connectors, checks_deployment, checks_endings, checks_logto
from provision.doctor.finding import Finding
from provision.doctor.observed import Seen


def diagnose(seen: Seen) -> list[Finding]:
    """What every check says."""
    findings = [check(seen) for check in (*checks_logto.CHECKS, *checks_endings.CHECKS)]
    findings += checks_connectors.connectors(seen)
    site = (
        checks_deployment.home,
        checks_deployment.sign_in,
        checks_deployment.cookie,
        checks_deployment.me,
    )
    findings += [check(seen) for check in site]
    findings += checks_deployment.table(seen)
    findings += checks_deployment.stack(seen)
    return findings
