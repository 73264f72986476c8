"""Check that the public surface of the modules built so far is whole, less `surface_pending.txt`.

It runs the contract's own check, `../shared/contract/check_surface.py --list`, and fails when a name is missing that
is not listed as pending, or when a listed one is there. Where the contract is not at hand it says so and passes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CONTRACT = HERE.parent.parent / "shared" / "contract" / "check_surface.py"
PENDING = HERE / "surface_pending.txt"

MODULES = frozenset(
    [
        "agents",
        "agents.agent",
        "agents.agent_output",
        "agents.agent_tool_input",
        "agents.decorators",
        "agents.exceptions",
        "agents.extensions",
        "agents.extensions.handoff_filters",
        "agents.extensions.handoff_prompt",
        "agents.extensions.memory",
        "agents.extensions.memory.advanced_sqlite_session",
        "agents.extensions.memory.async_sqlite_session",
        "agents.extensions.memory.encrypt_session",
        "agents.extensions.memory.redis_session",
        "agents.extensions.memory.sqlalchemy_session",
        "agents.extensions.tool_output_trimmer",
        "agents.extensions.visualization",
        "agents.function_schema",
        "agents.guardrail",
        "agents.handoffs",
        "agents.handoffs.history",
        "agents.items",
        "agents.lifecycle",
        "agents.mcp",
        "agents.mcp.manager",
        "agents.mcp.server",
        "agents.mcp.util",
        "agents.memory",
        "agents.memory.openai_conversations_session",
        "agents.memory.openai_responses_compaction_session",
        "agents.memory.session",
        "agents.memory.session_settings",
        "agents.memory.sqlite_session",
        "agents.model_settings",
        "agents.models",
        "agents.models.chatcmpl_converter",
        "agents.models.chatcmpl_helpers",
        "agents.models.chatcmpl_stream_handler",
        "agents.models.default_models",
        "agents.models.interface",
        "agents.models.multi_provider",
        "agents.models.openai_chatcompletions",
        "agents.models.openai_provider",
        "agents.models.openai_responses",
        "agents.prompts",
        "agents.repl",
        "agents.responses_websocket_session",
        "agents.result",
        "agents.retry",
        "agents.run",
        "agents.run_config",
        "agents.run_context",
        "agents.run_error_handlers",
        "agents.run_internal.streaming",
        "agents.run_state",
        "agents.stream_events",
        "agents.strict_schema",
        "agents.testing",
        "agents.tool",
        "agents.tool_context",
        "agents.tool_guardrails",
        "agents.tracing",
        "agents.tracing.create",
        "agents.tracing.processor_interface",
        "agents.tracing.processors",
        "agents.tracing.provider",
        "agents.tracing.scope",
        "agents.tracing.setup",
        "agents.tracing.span_data",
        "agents.tracing.spans",
        "agents.tracing.traces",
        "agents.tracing.util",
        "agents.usage",
    ]
)
"""Modules whose surface must be whole; the others wait for the issues that build them."""

_MODULE_LINE = re.compile(r"^ *\d+/\d+ +(\S+)$")
_MISSING_LINE = re.compile(r"^ +missing (.+)$")


def missing_names(report: str) -> set[str]:
    """The names that the contract's check misses in `MODULES`, as it prints them.

    Raises:
        ValueError: the report does not speak of one of the modules.
    """
    of_module: dict[str, set[str]] = {}
    misses: set[str] = set()
    for line in report.splitlines():
        # The misses of a module come after its own line.
        module = _MODULE_LINE.match(line)
        missing = _MISSING_LINE.match(line)
        if module is not None:
            misses = of_module.setdefault(module[1], set())
        elif missing is not None:
            misses.add(missing[1])
    unknown = MODULES - of_module.keys()
    if unknown:
        raise ValueError(f"the contract has no module {', '.join(sorted(unknown))}")
    return {name for module in MODULES for name in of_module[module]}


def pending_names(text: str) -> set[str]:
    """The names listed as pending: one a line, `#` starts a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {line for line in lines if line}


def main() -> int:
    """Print what does not fit; the exit status says whether anything does not."""
    if not CONTRACT.exists():
        print("surface: not checked, ../shared/contract is not at hand")
        return 0
    command = [sys.executable, str(CONTRACT), "--list"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    missing = missing_names(report)
    pending = pending_names(PENDING.read_text(encoding="utf-8"))
    for name in sorted(missing - pending):
        print(f"missing, and not listed in {PENDING.name}: {name}")
    for name in sorted(pending - missing):
        print(f"listed in {PENDING.name}, yet there: {name}")
    if missing != pending:
        return 1
    state = f"{len(pending)} names pending" if pending else "nothing pending"
    print(f"surface: ok, {len(MODULES)} modules, {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
