"""The product's application at Logto: a Traditional web application."""

from provision.desired import Product
from provision.errors import ProvisionFailed
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.record import RecordedApplication
from provision.run import Change, Run

WHAT = "application at Logto"


def ensure_application(
    run: Run, api: LogtoApi, product: Product, *, adopt: str | None = None
) -> str | None:
    """Create or complete the application. Return its id; None if a dry run would make it.

    What others have added stays. `adopt` is the id of an existing application to use. Raises
    ProvisionFailed, for example if another application has the product's name.
    """
    found = find_application(run, api, product, adopt=adopt)
    if found is None:
        body = {
            "name": product.name,
            "description": f"Hosted sign-in {product.marker}",
            "oidcClientMetadata": _metadata({}, product),
        }
        change = Change(what=WHAT, action="create", detail=product.name)
        created = run.apply(change, lambda: api.create_application(body))
        if created is None:
            return None
        run.record.application = RecordedApplication(id=created["id"], made=True)
        run.save_record()
        return str(created["id"])
    _update(run, api, product, found)
    return str(found["id"])


def find_application(
    run: Run, api: LogtoApi, product: Product, *, adopt: str | None = None
) -> Json | None:
    """Find the product's application.

    Raises ProvisionFailed if another application has the product's name: it could be anybody's.
    """
    applications = api.applications()
    if adopt is not None:
        for application in applications:
            if application["id"] == adopt:
                return application
        raise ProvisionFailed(
            f"Logto has no Traditional web application with the id {adopt}.", "Correct --adopt."
        )
    recorded = run.record.application.id if run.record.application else None
    ours = [one for one in applications if one["id"] == recorded or _is_ours(one, product)]
    if ours:
        return min(ours, key=lambda one: one["id"] != recorded)
    for application in applications:
        if application.get("name") == product.name:
            raise ProvisionFailed(
                f"Logto already has an application named {product.name}, with the id "
                f"{application['id']}.",
                f"Use it with --adopt {application['id']}, or choose another --name.",
            )
    return None


def valid_secret(api: LogtoApi, application: str, *, now: float, stored: str | None) -> str:
    """Return a secret of the application that is valid now: the stored one, else the newest.

    `now` is seconds since 1970. Raises ProvisionFailed.
    """
    valid = [
        one
        for one in api.application_secrets(application)
        if isinstance(one.get("value"), str)
        and (one.get("expiresAt") is None or one["expiresAt"] > now * 1000)
    ]
    if not valid:
        raise ProvisionFailed(
            f"The application {application} has no valid secret.",
            "Create one in the Logto Console, and run the command again.",
        )
    if stored in [one["value"] for one in valid]:
        return str(stored)
    return str(max(valid, key=lambda one: one.get("createdAt") or 0)["value"])


def is_made(application: Json, product: Product) -> bool:
    """Tell whether `setup` made the application for this product."""
    return str(application.get("description") or "").endswith(product.marker)


def _is_ours(application: Json, product: Product) -> bool:
    """Tell whether `setup` made the application for this product, or it serves it already."""
    metadata = application.get("oidcClientMetadata", {})
    serves = product.redirect_uri in metadata.get("redirectUris", [])
    return is_made(application, product) or serves


def _update(run: Run, api: LogtoApi, product: Product, found: Json) -> None:
    before = found.get("oidcClientMetadata", {})
    made = is_made(found, product)
    recorded = run.record.application
    if recorded is None or recorded.id != found["id"]:
        recorded = run.record.application = RecordedApplication(
            id=found["id"],
            made=made,
            backchannel_before=before.get("backchannelLogoutUri"),
            session_required_before=before.get("backchannelLogoutSessionRequired", False),
        )
        run.save_record()
    metadata = _metadata(before, product)
    if metadata == before:
        return
    _check_backchannel(before, product, made=made)
    if not recorded.made:
        # Before the update: a URI that is recorded and then not added does no harm, but one that
        # is added and not recorded would stay for ever.
        _record_added(recorded.added_redirect_uris, before, metadata, "redirectUris")
        _record_added(recorded.added_post_sign_out_uris, before, metadata, "postLogoutRedirectUris")
        run.save_record()
    differing = ", ".join(name for name in metadata if metadata[name] != before.get(name))
    change = Change(what=WHAT, action="update", detail=differing)
    run.apply(change, lambda: api.update_application(found["id"], {"oidcClientMetadata": metadata}))


def _record_added(added: list[str], before: Json, after: Json, name: str) -> None:
    added += [uri for uri in after[name] if uri not in before.get(name, []) and uri not in added]


def _check_backchannel(before: Json, product: Product, *, made: bool) -> None:
    """Refuse to redirect another product's logout tokens: an application has one URI for them."""
    registered = before.get("backchannelLogoutUri")
    if registered not in (None, product.backchannel_uri) and not made:
        raise ProvisionFailed(
            f"The application already sends its logout tokens to {registered}.",
            "Give this product an application of its own: choose another --name, without --adopt.",
        )


def _metadata(before: Json, product: Product) -> Json:
    """Return `oidcClientMetadata` with the product's URIs.

    An update replaces it as a whole, so it has to contain everything that was there before.
    """
    return {
        **before,
        "redirectUris": _with(before.get("redirectUris", []), product.redirect_uri),
        "postLogoutRedirectUris": _with(
            before.get("postLogoutRedirectUris", []), *product.post_sign_out_uris
        ),
        "backchannelLogoutUri": product.backchannel_uri,
        "backchannelLogoutSessionRequired": True,
    }


def _with(existing: list[str], *uris: str) -> list[str]:
    return [*existing, *(uri for uri in uris if uri not in existing)]
