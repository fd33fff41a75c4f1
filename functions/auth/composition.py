"""The composition root: clients, clock and randomness are made here, once per process."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.app_secret import SecretReader, app_secret
from shared.observability import observer
from shared.provider import Provider
from shared.provider_http import ProviderHttp
from shared.services import Services
from shared.settings import Settings
from shared.table import LIMITS, Table, connect

if TYPE_CHECKING:
    from shared.logto_client import Logto

SERVICE = "auth"


def compose(environment: Mapping[str, str]) -> Services:
    """The services of this process. Raises SettingsInvalid, so a bad deployment stops at start."""
    settings = Settings.from_environment(environment)
    http = ProviderHttp()
    provider = Provider(endpoint=settings.logto_endpoint, http=http, clock=time.time)
    secret = app_secret(settings, SecretReader(LIMITS))

    @cache
    def logto() -> "Logto":
        # The SDK and what it imports cost more than all the rest: a page that does without
        # starts without.
        from shared.logto_client import Logto

        return Logto(settings=settings, provider=provider, http=http, secret=secret)

    return Services(
        settings=settings,
        table=Table(connect(), settings.table_name),
        logto=logto,
        observer=observer(SERVICE),
        clock=time.time,
        random=os.urandom,
    )
