"""This node as others see it."""

from __future__ import annotations

from django.conf import settings

import kevre
from kevre.federate import identity, peer
from kevre.federate.description import Description, Neighbour, Voucher
from kevre.places.territory import Territory


def described() -> Description:
    """Describe this node, with the peers that it trusts."""
    config = settings.CONFIG
    before = identity.voucher(config.home)
    territory = Territory.objects.filter(slug=config.territory).first()
    return Description(
        title=config.title,
        base_url=config.base_url.rstrip("/"),
        key=identity.hold(config.home).public,
        version=kevre.__version__,
        territory=f"{territory.code} {territory.name}" if territory else "",
        contact=config.contact,
        voucher=Voucher(*before) if before else None,
        neighbours=tuple(
            Neighbour(one.title, one.base_url, one.identity) for one in peer.all_trusted()
        ),
    )
