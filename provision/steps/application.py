"""The product's application at Logto: a Traditional web application."""

from typing import Any

from provision.desired import Product
from provision.errors import ProvisionFailed
from provision.logto_api import Json, LogtoApi
from provision.record import MadeApplication
from provision.run import Change, Run

WHAT = "application at Logto"


def ensure_application(
    run: Run, api: LogtoApi, product: Product, *, adopt: str | None = None
) -> str | None:
    """The id of the application as it has to be; None where a dry run would make it.

    What others have added stays. Raises ProvisionFailed where an application has the product's
    name and is not this one.
    """
    found = find_application(run, api, product, adopt=adopt)
    if found is None:
        body = {
            "name": product.name,
            "description": f"Hosted sign-in {product.marker}",
            "oidcClientMetadata": _metadata({}, product),
        }
        change = Change(what=WHAT, action="create", detail=product.name)
        made = run.change(change, lambda: api.create_application(body))
        if made is None:
            return None
        run.record.application = MadeApplication(id=made["id"], made=True)
        run.remember()
        return str(made["id"])
    _update(run, api, product, found)
    return str(found["id"])


def find_application(
    run: Run, api: LogtoApi, product: Product, *, adopt: str | None = None
) -> Json | None:
    """The application that is the product's. Raises ProvisionFailed where none can be told."""
    applications = api.applications()
    if adopt is not None:
        for application in applications:
            if application["id"] == adopt:
                return application
        raise ProvisionFailed(f"Logto has no Traditional web application with the id {adopt}")
    recorded = run.record.application.id if run.record.application else None
    ours = [one for one in applications if one["id"] == recorded or _is_ours(one, product)]
    if ours:
        return min(ours, key=lambda one: one["id"] != recorded)
    for application in applications:
        if application.get("name") == product.name:
            raise ProvisionFailed(
                f"Logto has an application named {product.name} already, with the id "
                f"{application['id']}: use it with --adopt {application['id']}, or choose another "
                "--name"
            )
    return None


def newest_secret(api: LogtoApi, application: str, *, now: float, stored: str | None) -> str:
    """A secret of the application that lives: the stored one where it does. Raises
    ProvisionFailed."""
    living = [
        one
        for one in api.application_secrets(application)
        if isinstance(one.get("value"), str)
        and (one.get("expiresAt") is None or one["expiresAt"] > now * 1000)
    ]
    if not living:
        raise ProvisionFailed(
            f"the application {application} has no secret that lives: make one in the Logto "
            "Console, and run it again"
        )
    if stored in [one["value"] for one in living]:
        return str(stored)
    return str(max(living, key=lambda one: one.get("createdAt") or 0)["value"])


def _is_ours(application: Json, product: Product) -> bool:
    """Whether `setup` made it for this product, or it serves this product already."""
    metadata = application.get("oidcClientMetadata", {})
    serves = product.redirect_uri in metadata.get("redirectUris", [])
    return is_made(application, product) or serves


def is_made(application: Json, product: Product) -> bool:
    """Whether `setup` made it for this product."""
    return str(application.get("description") or "").endswith(product.marker)


def _update(run: Run, api: LogtoApi, product: Product, found: Json) -> None:
    before = found.get("oidcClientMetadata", {})
    made = is_made(found, product)
    recorded = run.record.application
    if recorded is None or recorded.id != found["id"]:
        run.record.application = MadeApplication(
            id=found["id"],
            made=made,
            backchannel_before=before.get("backchannelLogoutUri"),
            session_required_before=before.get("backchannelLogoutSessionRequired", False),
        )
        run.remember()
    metadata = _metadata(before, product)
    if metadata == before:
        return
    _check_backchannel(before, product, made=made)
    if (kept := run.record.application) is not None and not kept.made:
        for added, name in (
            (kept.added_redirect_uris, "redirectUris"),
            (kept.added_post_sign_out_uris, "postLogoutRedirectUris"),
        ):
            added += [uri for uri in _added(before, metadata, name) if uri not in added]
        run.remember()  # first: what is noted and then not added can be removed without harm
    differing = ", ".join(name for name in metadata if metadata[name] != before.get(name))
    change = Change(what=WHAT, action="update", detail=differing)
    run.change(
        change, lambda: api.update_application(found["id"], {"oidcClientMetadata": metadata})
    )


def _check_backchannel(before: Json, product: Product, *, made: bool) -> None:
    """An application tells one place of sign-outs: another product's is not taken away."""
    there = before.get("backchannelLogoutUri")
    if there not in (None, product.backchannel_uri) and not made:
        raise ProvisionFailed(
            f"the application tells {there} of sign-outs already: give this product an "
            "application of its own (another --name, without --adopt)"
        )


def _metadata(before: Json, product: Product) -> Json:
    """`oidcClientMetadata` is replaced whole: everything that is there goes along."""
    metadata: dict[str, Any] = {
        **before,
        "redirectUris": _with(before.get("redirectUris", []), product.redirect_uri),
        "postLogoutRedirectUris": _with(
            before.get("postLogoutRedirectUris", []), product.post_sign_out_uri
        ),
        "backchannelLogoutUri": product.backchannel_uri,
        "backchannelLogoutSessionRequired": True,
    }
    return metadata


def _with(there: list[str], wanted: str) -> list[str]:
    return there if wanted in there else [*there, wanted]


def _added(before: Json, after: Json, name: str) -> list[str]:
    return [uri for uri in after[name] if uri not in before.get(name, [])]
