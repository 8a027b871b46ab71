"""Long answers, drawn piece by piece aside from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator


async def aside(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Draw each chunk in a worker thread, so that a long file does not hold up the rest."""
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
