"""The containers of `sam local`: whether they can run, and reach this machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.options import OptionsInvalid
from local.own_name import HOST


def check_containers(environment: Mapping[str, str]) -> None:
    """Check that `sam local` can run containers. Raises OptionsInvalid."""
    # Slow to import, and only needed here.
    from samcli.local.docker.container_client_factory import ContainerClientFactory
    from samcli.local.docker.exceptions import (
        ContainerEnforcementException,
        ContainerNotReachableException,
    )

    try:
        ContainerClientFactory.create_client().close()
    except (ContainerEnforcementException, ContainerNotReachableException):
        raise OptionsInvalid(
            "sam local runs functions in containers, and neither Docker nor Finch answers: install "
            "and start one of them, and run this again. `make up` needs none."
        ) from None
    _check_proxies(_docker_settings(environment))


def _docker_settings(environment: Mapping[str, str]) -> Any:
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    try:
        return json.loads((Path(folder) / "config.json").read_bytes())
    except (OSError, ValueError):
        return None


def _check_proxies(settings: Any) -> None:
    """Raise OptionsInvalid if containers would call this machine through a company's proxy.

    The SAM CLI passes on only variables that the template declares, so `NO_PROXY` is not possible.
    """
    proxies = settings.get("proxies") if isinstance(settings, dict) else None
    default = proxies.get("default") if isinstance(proxies, dict) else None
    if not isinstance(default, dict) or not default.get("httpProxy"):
        return
    # Python's rules for `no_proxy`: a name stands for itself and all names below it.
    exceptions = {name.strip().lstrip(".") for name in str(default.get("noProxy")).split(",")}
    if not exceptions & {HOST, "localhost", "*"}:
        raise OptionsInvalid(
            "Docker's config.json gives containers a proxy, and they would look for this machine "
            f'there: add {HOST} to "noProxy" in it, and run this again.'
        )
