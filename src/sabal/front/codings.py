"""Content codings: compress a body, and choose the coding for a reader (RFC 9110 §12.5.3)."""

from __future__ import annotations

import gzip
import re

import brotli

from sabal.http import Response

BROTLI_QUALITY = 10  # 11 takes three times as long for 3 % less
TEXTUAL = re.compile(rb"text/|application/(json|manifest\+json|xml|javascript)|image/svg")

_codings: dict[bytes, bytes] = {}


def coding(accept: bytes | None) -> bytes:
    """Return the best of br, gzip and identity for an Accept-Encoding header. Remember the common ones."""
    if accept is None:
        return b"identity"
    known = _codings.get(accept)
    if known is None:
        known = negotiate(accept)
        # Browsers send a handful of different headers; other clients may send any number, so the memory has a bound.
        if len(_codings) < 512 and len(accept) < 256:
            _codings[accept] = known
    return known


def negotiate(accept: bytes) -> bytes:
    """Return the same as `coding`, without its memory."""
    weights: dict[str, float] = {}
    for item in accept.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name] = quality(parameters)
    rest = weights.get("*", 0.0)
    best = max(("br", "gzip"), key=lambda name: weights.get(name, rest))  # br on a tie
    weight = weights.get(best, rest)
    return best.encode() if weight > 0 and weight >= weights.get("identity", 0.0) else b"identity"


def quality(parameters: list[str]) -> float:
    """Return the `q` of an item of an Accept… header: 1 if it has none, 0 if it is not a number from 0 to 1."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


def encoded(response: Response) -> dict[bytes, bytes]:
    """Return the body in each coding that makes it shorter. Run it on a thread: both compressors release the GIL."""
    body = response.body
    bodies = {b"identity": body}
    if len(body) > 256 and TEXTUAL.match(response.header(b"content-type") or b""):
        for name, short in (
            (b"br", brotli.compress(body, quality=BROTLI_QUALITY)),
            (b"gzip", gzip.compress(body, 9, mtime=0)),
        ):
            if len(short) < len(body):
                bodies[name] = short
    return bodies
