"""Identify the operator who invokes the function, because Lambda does not pass the caller on.

The caller presigns a request to STS for its own identity, without sending it. This function sends
the request and reads the ARN from the response. Only a holder of the credentials can sign it.
"""

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from shared.errors import NotAllowed, Unavailable
from shared.parsing.urls import origin_of

SECONDS = 5
_ARN = re.compile(r"<Arn>(arn:[A-Za-z0-9:/_+=,.@-]{10,2048})</Arn>")
_PARAMETERS = {("Action", "GetCallerIdentity"), ("Version", "2011-06-15")}
_SIGNATURE = re.compile(r"X-Amz-[A-Za-z-]{1,40}")


class CallerCheck:
    """Checks proofs at the region's STS, or at botocore's own setting `AWS_ENDPOINT_URL_STS`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        override = environment.get("AWS_ENDPOINT_URL_STS")
        self._origins = (
            {origin_of(override)}
            if override
            else {f"https://sts.{region}.{suffix}", "https://sts.amazonaws.com"}
        )

    def __call__(self, proof: object) -> str:
        """Return the caller's ARN. Raises NotAllowed, and Unavailable if STS does not respond."""
        if not isinstance(proof, str) or len(proof) > 8192 or not self._is_proof(proof):
            raise NotAllowed("`caller` is not a signed request to STS for the caller's identity")
        request = urllib.request.Request(proof)  # noqa: S310 - its origin has been checked
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                found = _ARN.search(answer.read(65_536).decode("utf-8", "replace"))
        except urllib.error.HTTPError:
            raise NotAllowed("STS does not accept the caller's signature") from None
        except OSError:
            raise Unavailable("STS does not respond") from None
        if found is None:
            raise NotAllowed("the response of STS has no ARN")
        return found[1]

    def _is_proof(self, url: str) -> bool:
        """Return whether the URL is a request to STS for the caller's identity.

        Anything else, such as another action or host, would make this function a proxy.
        """
        try:
            parts, origin = urlsplit(url), origin_of(url)
            query = parse_qsl(parts.query, strict_parsing=True)
        except ValueError:
            return False
        names = [name for name, _ in query]
        rest = [pair for pair in query if not _SIGNATURE.fullmatch(pair[0])]
        return (
            origin in self._origins
            and "@" not in parts.netloc
            and parts.path in ("", "/")
            and not parts.fragment
            and len(names) == len(set(names))
            and set(rest) == _PARAMETERS
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Do not follow redirects: their targets are not checked."""
