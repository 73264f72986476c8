"""A run and the session that keeps its conversation: history is read once, and each settled batch is added in one call.

Rule 1: an addition that was not acknowledged is looked for in the session before it is made again.
Rule 2: what a model is sent holds no half of a call and its output, whatever the session holds.
"""

from __future__ import annotations

import copy
import inspect
import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core.effects import CompactSession, LoadSession, SaveSession
from agents._core.history import made_call
from agents._core.session import ends_with_response, last_batch
from agents._ports.session import (
    OpenAIResponsesCompactionArgs,
    PartwiseSession,
    is_openai_responses_compaction_aware_session,
    plain_item,
    resolve_session_limit,
    takes_keyword,
    takes_wrapper,
)
from agents.exceptions import UserError
from agents.items import ItemHelpers
from agents.run_context import RunContextWrapper
from agents.usage import Usage

from .failures import error_data
from .json_form import usage_data
from .model_input import model_settings

if TYPE_CHECKING:
    from agents._ports.session import Session

    from .run_loop import Run

logger = logging.getLogger("openai.agents")


async def load_session(run: Run, _effect: LoadSession) -> None:
    """Read the history, put the input behind it, and record both.

    Raises:
        UserError: the callback returned no list of items.
    """
    start = run.state.start
    assert start is not None, "a session is loaded by a run"
    items, hides = await _items(run)
    history = _whole_pairs(items)
    hides = hides or len(history) < len(items)
    given: list[Any] = ItemHelpers.input_to_new_input_list(start.input)
    merged, new = [*history, *given], given
    callback = run.environment.config.session_input_callback
    if callback is not None:
        shown = copy.deepcopy(history)
        answer: Any = callback(shown, given)
        if inspect.isawaitable(answer):
            answer = await answer
        if not isinstance(answer, list):
            raise UserError(
                f"session_input_callback must return a list of input items, got {type(answer).__name__}"
            )
        merged = cast("list[Any]", answer)
        new = _not_of_history(merged, shown)
        hides = hides or len(merged) - len(new) < len(history)
    run.record(f.SessionLoaded(ItemHelpers.input_to_new_input_list(merged), new, hides))


async def save_session(run: Run, effect: SaveSession) -> None:
    """Add what is due, in one call, and record that the session has it."""
    await _save(run, effect.batch, list(run.state.unsaved))


async def compact_session(run: Run, effect: CompactSession) -> None:
    """Have the session compact its history. It may fail: the run goes on, and the session has what it had."""
    session, context = run.environment.session, run.environment.context
    if not is_openai_responses_compaction_aware_session(session):
        # The run was resumed with another session than it stopped with.
        run.record(f.SessionCompacted(), Usage())
        return
    args: OpenAIResponsesCompactionArgs = {}
    if effect.response_id is not None:
        args["response_id"] = effect.response_id
    store = model_settings(run.environment.agents[run.state.agent], run).store
    if store is not None:
        args["store"] = store
    # A usage of its own: what others spend meanwhile is not the session's.
    spender = RunContextWrapper(context.context)
    told = {"wrapper": spender, "shown": tuple(run.state.history)}
    given: dict[str, Any] = {
        name: value for name, value in told.items() if takes_keyword(session.run_compaction, name)
    }
    error = None
    try:
        await session.run_compaction(args, **given)
    except Exception as failure:
        logger.warning(
            "The session of run %s could not be compacted. Session history was retained.",
            run.log.run_id,
            exc_info=failure,
        )
        error = error_data(failure)
    finally:
        # Also where it was cancelled: the server has been asked.
        context.usage.add(spender.usage)
    run.record(f.SessionCompacted(usage_data(spender.usage), error), spender.usage)


def hides_history(run: Run, shown: list[Any]) -> bool:
    """Whether a model is not shown all of the run's history; False where no session asks for it."""
    if not _can_compact(run):
        return False
    ids = {id(item) for item in shown}
    missing = [item for item in run.state.history if id(item) not in ids]
    if not missing:
        return False
    said = Counter(_key(plain_item(item)) for item in shown)
    return any(
        count > said[key] for key, count in Counter(_key(plain_item(item)) for item in missing).items()
    )


async def save_last(run: Run, closing: f.RunFinished | f.RunFailed | f.RunCancelled) -> BaseException | None:
    """Add what a run that is about to fail owes to its session; what went wrong with it, if something did."""
    batch = last_batch(run.state, closing)
    if not batch:
        return None
    try:
        await _save(run, run.state.batches + 1, batch)
    except Exception as error:
        logger.exception("The session could not be given the last items of run %s", run.log.run_id)
        return error
    return None


async def _save(run: Run, batch: int, items: list[Any]) -> None:
    session = run.environment.session
    assert session is not None, "only a run with a session saves"
    was_in_doubt = run.state.is_save_in_doubt
    run.record(f.SessionSaveBegun(batch))
    missing = items[await _already_there(run, session, items) :] if was_in_doubt else items
    if missing:
        # Copies: what a session does to them must not change the run.
        await session.add_items(copy.deepcopy(missing), **_wrapper(run))
    run.record(f.SessionSaved(batch, len(items), _may_compact(run)))


def _may_compact(run: Run) -> bool:
    """Whether the session is now to be asked to compact: where it can, and nothing of it would be lost."""
    state = run.state
    if not ends_with_response(state) or not _can_compact(run):
        return False
    if state.hides_history or state.hides_input:
        logger.warning(
            "The session of run %s is not compacted: the model was not shown all of it, so that a compaction of its"
            " response would lose the rest. Session history was retained.",
            run.log.run_id,
        )
        return False
    return True


def _can_compact(run: Run) -> bool:
    environment = run.environment
    if environment.can_compact is None:
        environment.can_compact = is_openai_responses_compaction_aware_session(environment.session)
    return environment.can_compact


async def _already_there(run: Run, session: Session, items: list[Any]) -> int:
    """How many of these items the session ends with: those of an addition that nobody acknowledged.

    All or none, but for a session that stores a batch in parts: there it may be the first parts.
    """
    newest = await _newest(run, session, len(items))
    added = [plain_item(item) for item in items]
    counts = [len(items)]
    if isinstance(session, PartwiseSession):
        part = session.items_per_write
        counts += reversed(range(part, len(items), part))
    found = next((count for count in counts if newest[-count:] == added[:count]), 0)
    if found and not run.state.hides_history:
        # What stood there before may say the same as what was to be added: then nothing else is there.
        history = [plain_item(item) for item in run.state.history]
        if [*await _newest(run, session, len(history)), *added] == history:
            return 0
    return found


async def _newest(run: Run, session: Session, count: int) -> list[Any]:
    return [plain_item(item) for item in await session.get_items(count, **_wrapper(run))]


async def _items(run: Run) -> tuple[list[Any], bool]:
    """What is read of the session, and whether a limit may have left something out."""
    session: Any = run.environment.session
    own = resolve_session_limit(None, run.environment.config.session_settings)
    limit = resolve_session_limit(own, getattr(session, "session_settings", None))
    items = list(await session.get_items(limit, **_wrapper(run)))
    return items, limit is not None and len(items) >= limit


def _wrapper(run: Run) -> dict[str, Any]:
    environment = run.environment
    if environment.session_wrapper is None:
        session = environment.session
        takes = session is not None and takes_wrapper(session)
        environment.session_wrapper = {"wrapper": environment.context} if takes else {}
    return environment.session_wrapper


def _whole_pairs(items: list[Any]) -> list[Any]:
    """The items without outputs whose call is not there, and calls whose output is not there.

    A limit may have cut between the two; so may whoever else wrote into the session.
    """
    called, answered = Counter[Any](), Counter[Any]()
    for item in items:
        if item.get("type") in _ANSWERS:
            called[made_call(item)] += 1
        elif item.get("type") in _ANSWERS.values():
            answered[made_call(item)] += 1
    kept = [
        item
        for item in items
        if not (
            (item.get("type") in _ANSWERS and not answered[made_call(item)])
            or (item.get("type") in _ANSWERS.values() and not called[made_call(item)])
        )
    ]
    if len(kept) < len(items):
        logger.warning("The session holds %d halves of calls, which are left out", len(items) - len(kept))
    return kept


_ANSWERS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "mcp_approval_request": "mcp_approval_response",
}
"""By type of a call that this side answers: the type of its output."""


def _not_of_history(merged: list[Any], history: list[Any]) -> list[Any]:
    """Of what a callback made: the items that are not the history's, by identity and then by what they say."""
    ids = {id(item) for item in history}
    shown = {id(item) for item in merged}
    # By what they say: only those that the callback left out, or copied.
    remaining: Counter[str] = Counter(_key(item) for item in history if id(item) not in shown)
    new: list[Any] = []
    for item in merged:
        if id(item) in ids:
            continue
        if remaining[_key(item)] > 0:
            remaining[_key(item)] -= 1
        else:
            new.append(item)
    return ItemHelpers.input_to_new_input_list(new)


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)
