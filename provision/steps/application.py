"""The product's application at Logto: a Traditional web application.

It is ours if it carries our mark, at the end of its description, or if the operator has named it.
A redirect URI proves nothing: every quickstart uses `http://localhost:3000/callback`.
"""

from typing import Final

from provision.desired import Product
from provision.errors import ProvisionFailed
from provision.json_api import Json
from provision.logto_api import LogtoApi
from provision.record import RecordedApplication
from provision.run import Change, Run, differences

WHAT = "application at Logto"
_ALWAYS_REFRESH: Final = "alwaysIssueRefreshToken"
_WHY_ALWAYS_REFRESH: Final = (
    f"{_ALWAYS_REFRESH} is turned on, because Logto otherwise issues a refresh token only with a "
    "prompt for consent, which a sign-in with prompt=none must not have."
)


def ensure_application(
    run: Run, api: LogtoApi, product: Product, *, adopt: str | None = None
) -> str | None:
    """Create or complete the application. Return its id; None if a dry run would make it.

    What others have added stays. `adopt` is the id of an existing application to use. Raises
    ProvisionFailed, for example if another application has the product's name.
    """
    found = find_application(run, api, product, adopt=adopt)
    if found is None:
        metadata, custom = _metadata({}, product), _custom_metadata({})
        body = {
            "name": product.name,
            "description": f"Hosted sign-in {product.marker}",
            "oidcClientMetadata": metadata,
            "customClientMetadata": custom,
        }
        change = Change(
            what=WHAT,
            action="create",
            detail=product.name,
            name=product.name,
            values=differences({}, {**metadata, **custom}),
        )
        run.notes.append(_WHY_ALWAYS_REFRESH)
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
    """Find the product's application. Others with its redirect URI are warned of.

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
    ours = [one for one in applications if one["id"] == recorded or is_made(one, product)]
    if ours:
        return min(ours, key=lambda one: one["id"] != recorded)
    for application in applications:
        if application.get("name") == product.name:
            raise ProvisionFailed(
                f"Logto already has an application named {product.name}, with the id "
                f"{application['id']}.",
                f"Use it with --adopt {application['id']}, or choose another --name.",
            )
    run.warnings += [
        f"The application {one.get('name')} ({one['id']}) has the redirect URI "
        f"{product.redirect_uri} too. It stays as it is, because `setup` did not make it. To use "
        f"it instead of a new one, pass --adopt {one['id']}."
        for one in applications
        if product.redirect_uri in one.get("oidcClientMetadata", {}).get("redirectUris", [])
    ]
    return None


def valid_secrets(api: LogtoApi, application: str, *, now: float) -> list[Json]:
    """List the application's secrets that are valid now; seconds since 1970."""
    return [
        one
        for one in api.application_secrets(application)
        if isinstance(one.get("value"), str)
        and (one.get("expiresAt") is None or one["expiresAt"] > now * 1000)
    ]


def valid_secret(
    run: Run, api: LogtoApi, application: str, *, now: float, stored: str | None
) -> str:
    """Return a secret of the application that is valid now: the stored one, else the newest.

    `now` is seconds since 1970. Raises ProvisionFailed.
    """
    valid = valid_secrets(api, application, now=now)
    if not valid:
        raise ProvisionFailed(
            f"The application {application} has no valid secret.",
            "Create one in the Logto Console, and run the command again.",
        )
    used = next((one for one in valid if one["value"] == stored), None)
    if used is None:
        used = max(valid, key=lambda one: one.get("createdAt") or 0)
    if len(valid) > 1:
        run.notes.append(
            f"The application {application} has {len(valid)} valid secrets. The product uses the "
            f'one named "{used.get("name")}": do not delete it. To replace it, run setup '
            "rotate-secret."
        )
    return str(used["value"])


def is_made(application: Json, product: Product) -> bool:
    """Tell whether `setup` made the application for this product."""
    return str(application.get("description") or "").endswith(product.marker)


def restore(
    run: Run, api: LogtoApi, product: Product, found: Json, recorded: RecordedApplication
) -> None:
    """Restore an adopted application: remove what was added, and nothing that came later.

    Raises ProvisionFailed.
    """
    before = found["oidcClientMetadata"]
    added, added_after = recorded.added_redirect_uris, recorded.added_post_sign_out_uris
    metadata = {
        **before,
        "redirectUris": [u for u in before["redirectUris"] if u not in added],
        "postLogoutRedirectUris": [
            u for u in before["postLogoutRedirectUris"] if u not in added_after
        ],
    }
    if before.get("backchannelLogoutUri") == product.backchannel_uri:
        metadata["backchannelLogoutSessionRequired"] = recorded.session_required_before
        del metadata["backchannelLogoutUri"]
        if recorded.backchannel_before is not None:
            metadata["backchannelLogoutUri"] = recorded.backchannel_before
    gone = dict.fromkeys(before)
    custom_before = found.get("customClientMetadata") or {}
    custom = custom_before
    if recorded.always_refresh_added:
        custom = {**custom_before, _ALWAYS_REFRESH: False}
    if (metadata, custom) != (before, custom_before):
        change = Change(
            what=WHAT,
            action="restore",
            detail=str(found["name"]),
            name=str(found["name"]),
            id=found["id"],
            values=differences({**before, **custom_before}, {**gone, **metadata, **custom}),
        )
        body = {"oidcClientMetadata": metadata} if metadata != before else {}
        if custom != custom_before:
            body["customClientMetadata"] = custom
        run.apply(change, lambda: api.update_application(found["id"], body))


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
    custom_before = found.get("customClientMetadata") or {}
    custom = _custom_metadata(custom_before)
    body: Json = {}
    if metadata != before:
        _check_backchannel(before, product, made=made)
        body["oidcClientMetadata"] = metadata
    if custom != custom_before:
        body["customClientMetadata"] = custom
        run.notes.append(_WHY_ALWAYS_REFRESH)
    if not body:
        return
    if not recorded.made:
        # Before the update: a URI that is recorded and then not added does no harm, but one that
        # is added and not recorded would stay for ever.
        _record_added(recorded.added_redirect_uris, before, metadata, "redirectUris")
        _record_added(recorded.added_post_sign_out_uris, before, metadata, "postLogoutRedirectUris")
        recorded.always_refresh_added |= custom != custom_before
        run.save_record()
    values = differences({**custom_before, **before}, {**metadata, **custom})
    change = Change(
        what=WHAT,
        action="update",
        detail=", ".join(value.name for value in values),
        name=str(found.get("name")),
        id=found["id"],
        values=values,
    )
    run.apply(change, lambda: api.update_application(found["id"], body))


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


def _custom_metadata(before: Json) -> Json:
    """Return `customClientMetadata` with refresh tokens for every sign-in.

    An update replaces it as a whole, too.
    """
    return {**before, _ALWAYS_REFRESH: True}


def _with(existing: list[str], *uris: str) -> list[str]:
    return [*existing, *(uri for uri in uris if uri not in existing)]
