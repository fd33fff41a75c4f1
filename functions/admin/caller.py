"""Identify the operator who invokes the function, because Lambda does not pass the caller on.

The caller presigns a request to STS for its own identity, without sending it. The signature covers
a header that names this function. This function sends the request with its own name in that header
and reads the ARN from the response. So a proof can only be made by a holder of the credentials, is
of no use at another function, and is refused after two minutes.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from shared.errors import NotAllowed, ProviderMisbehaved, Unavailable
from shared.oidc.http_client import HttpClient
from shared.parsing.urls import origin_of
from shared.services import Services

PROOF_SECONDS: Final = 120
"""How far the time of signing and this clock may be apart, and the longest validity of a proof."""
AUDIENCE_HEADER: Final = "x-admin-function"
"""The signed header that names the function; `provision.admin_function` signs it."""
LOCAL_FUNCTION: Final = "local"
"""The name of the function outside of Lambda."""
_FIXED: Final = {
    "Action": "GetCallerIdentity",
    "Version": "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-SignedHeaders": f"host;{AUDIENCE_HEADER}",
}
_VARYING: Final = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature"}
_OPTIONAL: Final = {"X-Amz-Security-Token"}
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,2}")
_ARN = re.compile(r"<Arn>(arn:[A-Za-z0-9:/_+=,.@-]{10,2048})</Arn>")


class CallerCheck:
    """Verifies proofs at the region's STS, or at botocore's own setting `AWS_ENDPOINT_URL_STS`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        override = environment.get("AWS_ENDPOINT_URL_STS")
        self._origins = (
            {origin_of(override)}
            if override
            else {f"https://sts.{region}.{suffix}", "https://sts.amazonaws.com"}
        )
        self._function = environment.get("AWS_LAMBDA_FUNCTION_NAME") or LOCAL_FUNCTION

    def __call__(self, proof: object, services: Services) -> str:
        """Return the caller's ARN. Raises NotAllowed, and Unavailable if STS does not respond."""
        signed = self._parameters(proof) if isinstance(proof, str) else None
        if signed is None:
            raise NotAllowed(
                "`caller` is not a signed request to STS for the caller's identity"
                " that names this function"
            )
        if not _is_recent(signed, services.clock()):
            raise NotAllowed(
                f"`caller` was not signed within {PROOF_SECONDS} seconds of this function's clock,"
                " or is valid for longer than that"
            )
        return self._ask(str(proof), services)

    def _ask(self, proof: str, services: Services) -> str:
        # STS computes the signature over this header's value: one for another function differs.
        # It answers in JSON to clients that accept JSON.
        headers = {AUDIENCE_HEADER: self._function, "Accept": "text/xml"}
        http = HttpClient(limits=services.limits, clock=services.clock)
        try:
            response = http.get(proof, deadline=services.deadline, headers=headers)
        except (Unavailable, ProviderMisbehaved):
            raise Unavailable("STS does not respond") from None
        finally:
            http.close()
        if response.status != 200:
            raise NotAllowed("STS does not accept the caller's signature")
        found = _ARN.search(response.body.decode("utf-8", "replace"))
        if found is None:
            raise NotAllowed("the response of STS has no ARN")
        return found[1]

    def _parameters(self, url: str) -> dict[str, str] | None:
        """Return the query of a request to STS for the caller's identity; None for anything else.

        Another action or host would make this function a proxy, and a signature over other headers
        could have been made for another purpose.
        """
        try:
            parts, origin = urlsplit(url), origin_of(url)
            query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            return None
        named = dict(query)
        is_proof = (
            len(url) <= 8192
            and origin in self._origins
            and "@" not in parts.netloc
            and parts.path in ("", "/")
            and not parts.fragment
            and len(named) == len(query)
            and named.keys() - _OPTIONAL == _FIXED.keys() | _VARYING
            and _FIXED.items() <= named.items()
        )
        return named if is_proof else None


def _is_recent(signed: Mapping[str, str], now: float) -> bool:
    date, seconds = signed["X-Amz-Date"], signed["X-Amz-Expires"]
    if not _DATE.fullmatch(date) or not _SECONDS.fullmatch(seconds):
        return False
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return False
    return abs(now - signed_at) <= PROOF_SECONDS and int(seconds) <= PROOF_SECONDS
