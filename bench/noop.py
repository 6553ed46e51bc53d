"""The floor of HTTP: an application without work, under the same server. GET gives fixed bytes, POST a 303."""

import json
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ANSWERS = json.loads(Path(os.environ["SABAL_BENCH_ANSWERS"]).read_text())


def _messages(answer: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"]]
    start = {"type": "http.response.start", "status": answer["status"], "headers": headers}
    return start, {"type": "http.response.body", "body": b64decode(answer["body"])}


GET, POST = _messages(ANSWERS["GET"]), _messages(ANSWERS["POST"])


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer by a minimal ASGI application."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
        return
    start, body = GET
    if scope["method"] == "POST":
        start, body = POST
        while (await receive()).get("more_body"):
            pass
    await send(start)
    await send(body)
