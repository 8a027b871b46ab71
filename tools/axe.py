"""The accessibility checker axe-core, fetched once from its npm package, checked by digest."""

from __future__ import annotations

import tarfile
from pathlib import Path

from kevre.node.demo.fetch import NpmPackage, npm_package

_AXE = NpmPackage(
    "axe-core@4.14.1",
    "axe-core-4.14.1.tgz",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
_FOLDER = Path(__file__).resolve().parent.parent / "build" / "axe"


def script() -> str:
    """Give the text of the checker, fetching its package where it is not here yet."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with tarfile.open(npm_package(_AXE, _FOLDER, print)) as archive:
        member = archive.extractfile("package/axe.min.js")
        if member is None:
            raise RuntimeError("the package holds no axe.min.js")
        return member.read().decode()
