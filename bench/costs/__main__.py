"""`python -m bench.costs`: measured calls times published prices, beside the costs of peers."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.costs.measured import ACCESS_LOG_BYTES, Request, measured

MILLION, HOURS = 1_000_000, 730
MEMORY_GB = 1.0
LOGTO_MS, TABLE_MS = 80.0, 4.0
"""What a call takes longer on AWS than here: an assumption, not a measurement."""
SIGN_INS_PER_USER = 20
"""Sign-ins a month, for prices by user."""
ALARMED_METRICS, CUSTOM_METRICS = 19, 45
"""Metrics that the alarms watch, and metrics that a busy deployment emits."""

Prices = Mapping[str, float]


def read_prices() -> Prices:
    prices: Prices = json.loads((Path(__file__).parent / "prices.json").read_text())
    return prices


def cost(request: Request, prices: Prices) -> float:
    """USD of one request. The authorizer's own API request is paid by the route it protects."""
    seconds = (
        request.milliseconds + request.logto * LOGTO_MS + len(request.calls) * TABLE_MS
    ) / 1000
    own = 0.0 if request.name == "an authorized request" else 1.0
    logged = request.log_bytes + own * ACCESS_LOG_BYTES
    return (
        own * prices["api_request"]
        + prices["lambda_request"]
        + seconds * MEMORY_GB * prices["lambda_gb_second_arm64"]
        + request.reads * prices["dynamodb_read_unit"]
        + request.writes * prices["dynamodb_write_unit"]
        + logged / 1e9 * prices["logs_gb"]
    )


def fixed(prices: Prices) -> float:
    """USD a month of an unused deployment with SnapStart, alarms and dashboard."""
    snapshots = 2 * MEMORY_GB * HOURS * 3600 * prices["lambda_snapshot_gb_second"]
    return (
        snapshots
        + 2 * prices["secret_month"]
        + ALARMED_METRICS * prices["alarm_metric_month"]
        + prices["dashboard_month"]
    )


def cognito(sign_ins: int, prices: Prices) -> float:
    """USD a month of Cognito, for users who sign in by SAML or OIDC."""
    users = sign_ins / SIGN_INS_PER_USER - prices["cognito_federated_users_free"]
    return max(0.0, users) * prices["cognito_federated_user_month"]


def proxy(prices: Prices) -> float:
    """USD a month of an ALB, two tasks of oauth2-proxy on Fargate and two small caches."""
    task = 0.25 * prices["fargate_vcpu_hour_arm64"] + 0.5 * prices["fargate_gb_hour_arm64"]
    hourly = (
        prices["alb_hour"]
        + prices["alb_lcu_hour"]
        + 2 * task
        + 2 * prices["elasticache_t4g_micro_hour"]
    )
    return HOURS * hourly


def report(requests: list[Request], prices: Prices) -> str:
    """Write a table of the requests, and the sums."""
    lines = ["| request | DynamoDB | read units | write units | Logto | ms here | USD a million |"]
    lines.append("|---|---|---|---|---|---|---|")
    for r in requests:
        calls = ", ".join(r.calls) or "none"
        lines.append(
            f"| {r.name} | {calls} | {r.reads:g} | {r.writes:g} | {r.logto} "
            f"| {r.milliseconds:.1f} | {cost(r, prices) * MILLION:.2f} |"
        )
    flow = [r for r in requests if r.name != "an authorized request"]
    (authorized,) = (r for r in requests if r.name == "an authorized request")
    million = sum(cost(r, prices) for r in flow) * MILLION
    peer, load_balancer = cognito(MILLION, prices), proxy(prices)
    access, metrics = cost(authorized, prices) * MILLION, CUSTOM_METRICS * prices["metric_month"]
    lines += [
        "",
        "| for a million | USD |",
        "|---|---|",
        f"| sign-ins with their home page, callback and sign-out | {million:.2f} |",
        f"| authorized requests (the authorizer alone) | {access:.2f} |",
        f"| fixed, a month: SnapStart, secrets, alarms, dashboard | {fixed(prices):.2f} |",
        f"| custom metrics of a busy month | {metrics:.2f} |",
        f"| Cognito, federated, {SIGN_INS_PER_USER} sign-ins a user | {peer:.2f} |",
        f"| ALB with oauth2-proxy on Fargate, a month | {load_balancer:.2f} |",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(measured(), read_prices()))
    sys.exit(0)
