"""Read what the settings of this machine say about the network, and name a wrong one.

Proxies and certificate authorities come from variables that every program on the machine shares.
The libraries answer a wrong one with any kind of exception. Here it is one sentence that names the
variable. No value is shown, since the address of a proxy can hold a password.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from traceback import walk_tb
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from provision.errors import ProvisionFailed

_SCHEMES: Final = ("http", "https")
_OURS: Final = frozenset({"provision", "shared"})
_LIBRARIES: Final = frozenset(
    {
        *("awscrt", "azure", "boto3", "botocore", "certifi", "httpcore", "httpx", "idna", "msal"),
        *("requests", "urllib3"),
    }
)
"""Packages that talk to the network, or read the settings for it."""
_SECRET: Final = re.compile(r"SECRET|TOKEN$|PASSWORD|ACCESS_KEY")
_NETWORK: Final = re.compile(
    r"AWS_\w+|AZURE_\w+|(?i:(?:HTTP|HTTPS|ALL|NO)_PROXY)|SSL\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
)
"""Variables that the libraries read."""
_EVERYTHING: Final = (
    "what the environment of this machine says of proxies, certificates, AWS and Azure"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """The way to a service. `variable` names the proxy's address in the environment."""

    address: httpx.Proxy
    variable: str


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy on the way to a service, if there is one.

    Entries of NO_PROXY are names, addresses, and ranges of addresses of both kinds. Raises
    ProvisionFailed if the proxy's address is not valid.
    """
    parts = urlsplit(url)
    host, found = parts.hostname or "", getproxies()
    kind = next((one for one in (parts.scheme, "all") if found.get(one)), None)
    if kind is None or proxy_bypass(parts.netloc) or _is_excepted(host, found.get("no", "")):
        return None
    variable, text = _variable(f"{kind}_proxy"), found[kind]
    try:
        address = httpx.Proxy(text if "://" in text else f"http://{text}")
        if address.url.scheme in _SCHEMES and address.url.host:
            return Proxy(address=address, variable=variable)
    except (ValueError, httpx.InvalidURL):  # UnicodeError, of a host name, is a ValueError
        pass
    raise ProvisionFailed(
        f"{variable} is not the address of an HTTP proxy.",
        "Write it as http://proxy.example.com:8080, or unset it. SOCKS proxies cannot be used.",
    )


@cache
def authorities() -> ssl.SSLContext:
    """Read the certificate authorities once: reading them takes longer than most requests.

    Raises ProvisionFailed if a variable names files that cannot be used.
    """
    check_certificates("SSL_CERT_FILE")
    if not os.environ.get("SSL_CERT_FILE"):
        check_certificates("SSL_CERT_DIR")
    try:
        return httpx.create_ssl_context()
    except OSError as failure:  # the one other file that Python opens for it
        raise ProvisionFailed(
            f"The file that SSLKEYLOGFILE names cannot be written ({failure.strerror}).",
            "Correct it, or unset it.",
        ) from None


def check_certificates(*variables: str) -> None:
    """Check that each variable, if it is set, names certificates that exist.

    Raises ProvisionFailed.
    """
    for variable in variables:
        value = os.environ.get(variable)
        if value and (reason := _fault_of_certificates(variable, value)):
            raise _unusable(variable, reason)


def named_in(failure: BaseException) -> list[str]:
    """Return the variables of the network whose values an exception's text quotes."""
    return [
        name
        for name, value in os.environ.items()
        # A value such as 1 is in many texts that are about something else.
        if len(value) > 2 and _NETWORK.fullmatch(name) and not _SECRET.search(name)
        if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", str(failure))
    ]


def network_fault(failure: Exception) -> ProvisionFailed | None:
    """Describe an exception of a library of the network; None if the fault is in this program.

    There is no end to what the settings of a machine can do to the libraries. The frequent ones
    have texts of their own, and this is for the rest.
    """
    packages = [
        str(frame.f_globals.get("__name__")).partition(".")[0]
        for frame, _ in walk_tb(failure.__traceback__)
    ]
    raised_by = next((one for one in reversed(packages) if one in _OURS | _LIBRARIES), None)
    if raised_by not in _LIBRARIES:
        return None
    problem = f"{raised_by} cannot use the network ({type(failure).__name__})."
    return ProvisionFailed(problem, f"Check {listed(named_in(failure) or [_EVERYTHING])}.")


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _is_excepted(host: str, exceptions: str) -> bool:
    """Tell whether NO_PROXY excepts an address, alone or in a range. Python looks at names only."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in exceptions.split(","):
        try:
            if address in ipaddress.ip_network(re.sub(r"[\[\]\s]", "", entry), strict=False):
                return True
        except ValueError:
            continue
    return False


def _fault_of_certificates(variable: str, value: str) -> str | None:
    """Find the fault of a file or a folder of certificates; None if it can be used."""
    if variable.endswith("_DIR"):
        there = any(Path(folder).is_dir() for folder in value.split(os.pathsep))
        return None if there else "there is no such folder"
    if variable != "SSL_CERT_FILE" and Path(value).is_dir():
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except ssl.SSLError:
        return "there are none in the file"
    except OSError as failure:
        return failure.strerror
    except ValueError:
        return "not a path"
    return None


def _variable(name: str) -> str:
    """Return a variable as it is spelled in the environment: proxies are read in both cases."""
    return name if name in os.environ else name.upper()


def _unusable(variable: str, reason: str) -> ProvisionFailed:
    return ProvisionFailed(
        f"{variable} names certificates that cannot be used ({reason}).", "Correct it, or unset it."
    )
