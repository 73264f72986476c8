"""Answers that are one document: what the client cannot read of them is an error of this package."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from agents.exceptions import ModelBehaviorError, ModelStreamBroken

from ._unreadable import beginning

__all__ = ["foreign_answer", "read_answer"]


async def read_answer(asked: Awaitable[Any], api: str) -> Any:
    """What the client made of the server's answer; `api` is what the server should speak.

    Raises:
        ModelStreamBroken: the answer is empty, or JSON that is cut.
        ModelBehaviorError: it is no JSON at all.
    """
    try:
        answer = await asked
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        # The client lets them through.
        body = error.doc if isinstance(error, json.JSONDecodeError) else repr(error.object)
        if not body.strip() or body.lstrip().startswith("{"):
            raise ModelStreamBroken(
                f"The model's answer ended too early, it is no whole JSON: {beginning(body)}."
            ) from error
        raise foreign_answer(body, api) from error
    except RecursionError as error:
        raise foreign_answer("JSON that is nested too deep", api) from error
    if isinstance(answer, str):
        # What has another content type than JSON is given as it is.
        raise foreign_answer(answer, api)
    return answer


def foreign_answer(body: str, api: str) -> ModelBehaviorError:
    """The error for an answer that is something else than was asked for; `api` is what the server should speak."""
    return ModelBehaviorError(
        f"The server's answer is no response: {beginning(body)}. "
        f"Check that the base URL leads to a server that speaks the {api} API."
    )
