"""Load, before a snapshot, the modules that the first requests would load."""

from functions.auth import pages
from functions.auth.responses import brand_of
from shared.services import Services


def warm_up(services: Services) -> None:
    """Load the SDK with its HTTP client, and the pages with their templates."""
    services.logto()
    brand = brand_of(services.settings)
    pages.render_home(brand, None, root="")
    pages.render_error(
        brand, status=400, title="", message="", correlation_id="", action=None, root=""
    )
