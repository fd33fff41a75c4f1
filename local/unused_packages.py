"""Remove packages that a dependency declares and this product never loads.

The Logto SDK declares aiohttp. The product sends its requests itself and keeps aiohttp from being
loaded (`shared.oidc.sdk`), so aiohttp and what only it needs would be dead weight in the artifact.
"""

import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

UNUSED: Final = frozenset({"aiohttp"})


def drop_unused(folder: Path) -> None:
    """Remove `UNUSED` from a folder of installed packages, with all that nothing else needs."""
    installed: dict[str, Distribution] = {
        canonicalize_name(found.metadata["Name"]): found
        for found in distributions(path=[str(folder)])
    }
    for name in installed.keys() - _needed(installed):
        _remove(installed[name], folder)


def _needed(installed: Mapping[str, Distribution]) -> set[str]:
    """Return the packages that are needed when nothing needs an unused one."""
    required = {name: set(_requirements(found)) for name, found in installed.items()}
    # What no package requires was asked for by the product itself.
    asked_for = installed.keys() - UNUSED - set().union(*required.values())
    needed: set[str] = set()
    waiting = list(asked_for)
    while waiting:
        name = waiting.pop()
        if name in installed and name not in needed and name not in UNUSED:
            needed.add(name)
            waiting += required[name]
    return needed


def _requirements(distribution: Distribution) -> Iterator[str]:
    """Return the packages that one requires without any extra."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _remove(distribution: Distribution, folder: Path) -> None:
    """Remove the folders and files at the top that belong to a package."""
    for top in {file.parts[0] for file in distribution.files or () if ".." not in file.parts}:
        path = folder / top
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
