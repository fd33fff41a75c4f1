"""`python -m local.logto --port 3001`: the stand-in alone."""

import argparse
import sys
import threading
from dataclasses import replace

from local.logto.contoso import default_tenant
from local.logto.server import running
from local.logto.tenant import Tenant, Webhook


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted: 0, or 2 if the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m local.logto", description=__doc__)
    parser.add_argument("--port", type=int, default=3001)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--public-url", help="the endpoint's URL as browsers see it")
    parser.add_argument("--redirect-uri", action="append", default=[])
    parser.add_argument("--post-logout-redirect-uri", action="append", default=[])
    parser.add_argument("--backchannel-logout-uri")
    parser.add_argument("--webhook-url", help="receives events about suspended and deleted users")
    parser.add_argument("--webhook-signing-key", default="local-webhook-signing-key")
    parser.add_argument(
        "--rotate-always", action="store_true", help="rotate the refresh token at every use"
    )
    parser.add_argument("--refresh-ttl", type=int, default=14 * 86_400, help="seconds")
    parser.add_argument("--token-ttl", type=int, default=3600, help="seconds")
    options = parser.parse_args(arguments)
    public_url = options.public_url or f"http://localhost:{options.port}"
    try:
        with running(
            _tenant(options, public_url),
            hosts=(options.host,),
            port=options.port,
            public_url=public_url,
            log=lambda line: print(line, flush=True),
        ) as stand_in:
            _print_settings(stand_in.tenant, public_url)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except OSError as failure:
        print(f"Port {options.port} cannot be used ({failure.strerror}): give another --port")
        return 2
    return 0


def _tenant(options: argparse.Namespace, public_url: str) -> Tenant:
    tenant = default_tenant(
        entra_url=public_url, post_logout_redirect_uris=tuple(options.post_logout_redirect_uri)
    )
    (application,) = tenant.applications.values()
    application = replace(
        application,
        redirect_uris=(*application.redirect_uris, *options.redirect_uri),
        backchannel_logout_uri=options.backchannel_logout_uri,
        rotate_refresh_token_always=options.rotate_always,
        refresh_token_seconds=options.refresh_ttl,
    )
    hook = Webhook(
        id="local-webhook", url=options.webhook_url or "", signing_key=options.webhook_signing_key
    )
    return replace(
        tenant,
        applications={application.id: application},
        token_seconds=options.token_ttl,
        webhooks=(hook,) if options.webhook_url else (),
    )


def _print_settings(tenant: Tenant, url: str) -> None:
    for application in tenant.applications.values():
        print(f"LOGTO_ENDPOINT={url}")
        print(f"LOGTO_APP_ID={application.id}")
        print(f"LOGTO_APP_SECRET={application.secret}")
        for uri in application.redirect_uris:
            print(f"Redirect URI: {uri}")
    for machine in tenant.machines.values():
        print(f"MANAGEMENT_APP_ID={machine.id}")
        print(f"MANAGEMENT_APP_SECRET={machine.secret}")
    print(f"Console: {url}/console")
    people = ", ".join(user.email or user.name for user in tenant.users.values())
    print(f"Accounts: {people}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
