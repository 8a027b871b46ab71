"""The checks of the HTTPS binding but those of the feed."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kevre.federate import description, signature
from kevre.federate.conformance.caller import Node, is_problem, is_refused
from kevre.federate.conformance.check import Check, NotTried, hold
from kevre.federate.description import PATH, PROTOCOL
from kevre.federate.identity import Identity, vouches
from kevre.model import identifier

_OK, _CREATED, _ABSENT = 200, 201, 404
_MENDABLE = frozenset({400, 422})
_MEMBERS = ("software", "version", "protocols", "title", "base_url", "key", "peers", "services")
_SERIES = ("urn", "fluid", "quantity", "direction", "statistic", "unit")
_LARGE = 128 * 1024


def describes_itself(node: Node) -> None:
    """Anybody may ask for the description."""
    answer = node.plain("GET", PATH)
    hold(that=answer.status == _OK, found=f"{PATH} answers {answer.status}")
    document = answer.document()
    lacking = [name for name in _MEMBERS if name not in document]
    hold(that=not lacking, found=f"the description lacks {lacking}")
    hold(that=PROTOCOL in document["protocols"], found=document["protocols"])
    described = description.read(answer.content)
    hold(that=len(described.key.raw) == len(node.described.key.raw), found="no key of 32 bytes")


def vouches_for_its_key(node: Node) -> None:
    """The key before vouches for the present one."""
    voucher = node.described.voucher
    if voucher is None:
        raise NotTried("the node has had one key only")
    holds = vouches(voucher.key, voucher.signature, node.described.key)
    hold(that=holds, found="the signature of the previous key does not hold")


def wants_a_signature(node: Node) -> None:
    """Without a signature nothing is answered."""
    for path in ("series", "grants", "subscriptions"):
        is_refused(node.plain("GET", f"/federation/v1/{path}"))


def wants_a_known_key(node: Node) -> None:
    """A stranger is refused."""
    is_refused(node.signed("GET", "series", by=Identity(Ed25519PrivateKey.generate())))


def takes_a_request_once(node: Node) -> None:
    """The same signed request is taken once."""
    message = node.message("GET", "grants")
    first = node.send(message)
    hold(that=first.status == _OK, found=f"answered {first.status} to a good request")
    is_refused(node.send(message))


def notices_another_body(node: Node) -> None:
    """A body that was changed is refused."""
    message = node.message("POST", "subscriptions", b'{"selector": "*"}')
    is_refused(node.send(replace(message, body=b'{"selector":  "*"}')))


def notices_another_target(node: Node) -> None:
    """A signature is for one address and method."""
    message = node.message("GET", "grants")
    is_refused(node.send(replace(message, url=message.url.replace("grants", "series"))))
    deleting = node.message("POST", "subscriptions", b'{"selector": "*"}')
    is_refused(node.send(replace(deleting, method="DELETE")))


def notices_another_time(node: Node) -> None:
    """A signature is young."""
    for age_s in (signature.LONGEST_S + 60, -signature.LONGEST_S - 60):
        is_refused(node.signed("GET", "grants", age_s=age_s))


def notices_another_purpose(node: Node) -> None:
    """A signature made for something else is not taken."""
    message = node.message("GET", "grants")
    given = message.headers["Signature-Input"].replace(signature.TAG, "kevre-0")
    is_refused(
        node.send(replace(message, headers=dict(message.headers) | {"Signature-Input": given}))
    )


def refuses_large_bodies(node: Node) -> None:
    """A body beyond reason is an error, not a strain."""
    body = b'{"selector": "' + b"x" * _LARGE + b'"}'
    is_problem(node.signed("POST", "subscriptions", body))


def lists_series(node: Node) -> None:
    """Series come in pages, each told wholly, with names as they are written."""
    after: int | None = 0
    seen: set[str] = set()
    while after is not None:
        page = node.client.ask("GET", "series", after=after)
        for one in page["series"]:
            lacking = [name for name in _SERIES if not one.get(name)]
            hold(that=not lacking, found=f"{one.get('urn')} lacks {lacking}")
            hold(that=str(identifier.parse(one["urn"])) == one["urn"], found=one["urn"])
            hold(that=one["urn"] not in seen, found=f"{one['urn']} comes twice")
            seen.add(one["urn"])
        following = page.get("next")
        hold(that=following is None or following > after, found=f"next is {following}")
        after = following


def lists_grants(node: Node) -> None:
    """The grants that cover us are told."""
    for one in node.client.ask("GET", "grants")["grants"]:
        lacking = {"site", "path_prefix", "finest", "purpose", "valid_until"} - one.keys()
        hold(that=not lacking, found=f"a grant lacks {sorted(lacking)}")


def explains_what_is_malformed(node: Node) -> None:
    """What cannot be understood is told so."""
    asked = (
        ("GET", "series?after=x", b""),
        ("POST", "subscriptions", b"{"),
        ("POST", "subscriptions", b"[]"),
        ("POST", "subscriptions", b'{"selector": 7}'),
        ("POST", "subscriptions", b'{"selector": "urn:dev:prm:?"}'),
    )
    for method, path, body in asked:
        answer = node.signed(method, path, body)
        told = f"{method} {path} {body!r} answered {answer.status}"
        hold(that=answer.status in _MENDABLE, found=told)
        is_problem(answer)


def hides_what_exists(node: Node) -> None:
    """What may not be known is answered like what does not exist."""
    number = f"{secrets.randbelow(10**14):014}"
    answer = node.signed(
        "POST", "subscriptions", f'{{"selector": "urn:dev:prm:{number}"}}'.encode()
    )
    is_refused(answer)


def subscribes_once(node: Node) -> None:
    """Subscribing again gives the same subscription, and it is listed."""
    first, again = node.subscribed(), node.subscribed()
    hold(that=first["handle"] == again["handle"], found="two subscriptions to the same")
    listed = node.client.ask("GET", "subscriptions")["subscriptions"]
    hold(that=first["handle"] in {one["handle"] for one in listed}, found="it is not listed")
    lacking = {"handle", "selector", "acknowledged", "last"} - first.keys()
    hold(that=not lacking, found=f"a subscription lacks {sorted(lacking)}")


def ends_subscriptions(node: Node) -> None:
    """What was ended is gone, and ending nothing is a success."""
    handle = node.subscribed()["handle"]
    ended = node.client.ask("DELETE", "subscriptions", {"selector": node.selector})["ended"]
    hold(that=ended >= 1, found=f"ended {ended}")
    again = node.client.ask("DELETE", "subscriptions", {"selector": node.selector})["ended"]
    hold(that=again == 0, found=f"ended {again} the second time")
    for path in (f"subscriptions/{handle}/feed?after=0", "subscriptions/none/feed?after=0"):
        answer = node.signed("GET", path)
        hold(that=answer.status == _ABSENT, found=f"{path} answers {answer.status}")
        is_problem(answer)


def keeps_copies_by_agreement(node: Node) -> None:
    """Copies are kept for those with whom it was agreed, and whole."""
    answer = node.signed("GET", "copies")
    if answer.status == _ABSENT:
        raise NotTried("the node sponsors nobody")
    if answer.status != _OK:
        is_refused(answer)
        raise NotTried("no copies of ours are agreed on")
    key = urlsafe_b64encode(node.own.public.raw).decode().rstrip("=")
    number = node.client.ask("POST", "copies", {"recovery": key})["copy"]
    name = "0" * 64
    named = node.client.ask("POST", f"copies/{number}/pieces", {"pieces": [name]})
    hold(that=named["missing"] == [name], found=named)
    is_problem(node.signed("PUT", f"copies/pieces/{name}", b"not these bytes"))
    closing = node.signed("POST", f"copies/{number}/closing", f'{{"index": ["{name}"]}}'.encode())
    is_problem(closing)


FIRST: tuple[Check[Node], ...] = (
    Check("Description of a node", "anybody may read the description", describes_itself),
    Check("Identity", "a previous key vouches for the present one", vouches_for_its_key),
    Check("Signed requests", "a request without a signature is refused", wants_a_signature),
    Check("Signed requests", "a key that is not trusted is refused", wants_a_known_key),
    Check("Signed requests", "a request is taken once", takes_a_request_once),
    Check("Signed requests", "a body that was changed is refused", notices_another_body),
    Check("Signed requests", "another address or method is refused", notices_another_target),
    Check("Signed requests", "a signature of another time is refused", notices_another_time),
    Check("Signed requests", "a signature for another purpose is refused", notices_another_purpose),
    Check("Verbs over HTTPS", "series are listed, each once and wholly", lists_series),
    Check("Verbs over HTTPS", "grants are listed", lists_grants),
    Check("Verbs over HTTPS", "subscribing again gives the same", subscribes_once),
    Check("Errors", "what is malformed is explained", explains_what_is_malformed),
    Check("Errors", "a body beyond reason is refused", refuses_large_bodies),
    Check("Errors", "what may not be known is answered as what does not exist", hides_what_exists),
    Check("Sponsorship", "copies are kept by agreement, whole", keeps_copies_by_agreement),
)
LAST: tuple[Check[Node], ...] = (
    Check("Verbs over HTTPS", "what was ended is gone", ends_subscriptions),
)
