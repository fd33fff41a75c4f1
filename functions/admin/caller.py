"""Who invokes: Lambda does not tell a function, so the caller proves it.

The proof is a request to STS for the caller's identity, signed by the caller and not sent. Whoever
can sign it holds the credentials; this function sends it and reads the ARN from the answer.
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
_ASKED = {("Action", "GetCallerIdentity"), ("Version", "2011-06-15")}
_SIGNATURE = re.compile(r"X-Amz-[A-Za-z-]{1,40}")


class CallerCheck:
    """Reads an ARN from a proof. STS is asked at this region's endpoint, or where botocore's own
    `AWS_ENDPOINT_URL_STS` says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        elsewhere = environment.get("AWS_ENDPOINT_URL_STS")
        self._origins = (
            {origin_of(elsewhere)}
            if elsewhere
            else {f"https://sts.{region}.{suffix}", "https://sts.amazonaws.com"}
        )

    def __call__(self, proof: object) -> str:
        """The caller's ARN. Raises NotAllowed for what proves nothing, Unavailable without STS."""
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
            raise Unavailable("STS does not answer") from None
        if found is None:
            raise NotAllowed("STS does not say who the caller is")
        return found[1]

    def _is_proof(self, url: str) -> bool:
        """Whether it asks STS for an identity, and for nothing else."""
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
            and set(rest) == _ASKED
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A redirect is an answer that proves nothing."""
