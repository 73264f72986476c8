"""Where the examples send their requests: the one place that knows.

With `OPENAI_API_KEY` they go to OpenAI, or to the server at `OPENAI_BASE_URL`, for the model `OPENAI_MODEL`. Without
it they go to a loopback server that plays the example's own script: over a real wire, and nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from agents import set_default_openai_client
from agents.testing import ResponsesServer
from agents.testing.responses_script import Script

LOOPBACK_NOTICE = "No OPENAI_API_KEY: a scripted server on loopback answers, over {wire}."


def run_example(
    main: Callable[[], Coroutine[Any, Any, None]],
    script: Script,
    *,
    pace_s: float = 0.02,
    wire: str = "real HTTP",
) -> None:
    """Run `main` to its end.

    `script` is what the loopback server plays, `pace_s` the time between its events, `wire` what the example says of
    how it is reached.
    """
    model = os.environ.get("OPENAI_MODEL")
    if model:
        os.environ["OPENAI_DEFAULT_MODEL"] = model
    if os.environ.get("OPENAI_API_KEY"):
        asyncio.run(main())
    else:
        print(LOOPBACK_NOTICE.format(wire=wire))
        asyncio.run(_run_on_loopback(main, script, pace_s))


async def _run_on_loopback(
    main: Callable[[], Coroutine[Any, Any, None]], script: Script, pace_s: float
) -> None:
    from openai import AsyncOpenAI

    async with (
        ResponsesServer(script, pace_s=pace_s) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="none") as client,
    ):
        set_default_openai_client(client, use_for_tracing=False)
        await main()
