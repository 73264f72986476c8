"""A workspace behind the tools that act on a machine, in runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import ApplyPatchTool, LocalShellTool, ShellTool
from agents.extensions.workspace import WorkspaceEditor, WorkspaceShell
from run.machines import last_answer, local_call, patch, played, run, shell_call
from run.scripts import text


def chunks(model: Any) -> list[Any]:
    """What each command came to: stdout, stderr, and how it ended."""
    return [
        (chunk["stdout"], chunk["stderr"], chunk["outcome"].get("exit_code", chunk["outcome"]["type"]))
        for chunk in last_answer(model)["output"]
    ]


async def test_a_patch_and_the_command_behind_it_see_the_same_folder(tmp_path: Path) -> None:
    tools = [ApplyPatchTool(WorkspaceEditor(tmp_path)), ShellTool(WorkspaceShell(tmp_path))]
    agent, model = played(
        [
            patch("create_file", "a.txt", "+one\n+two", "c1"),
            shell_call("cat a.txt", "exit 3", call_id="c2"),
        ],
        text(),
        tools=tools,
    )
    await run(agent)
    assert chunks(model) == [("one\ntwo", "", 0), ("", "", 3)]


async def test_the_commands_of_a_call_share_its_time(tmp_path: Path) -> None:
    agent, model = played(
        [shell_call("echo a", "sleep 600", "echo b", timeout_ms=300)],
        text(),
        tools=[ShellTool(WorkspaceShell(tmp_path))],
    )
    await run(agent)
    assert chunks(model) == [
        ("a\n", "", 0),
        ("", "", "timeout"),
        ("", "The time was up: this was not run.\n", "timeout"),
    ]


async def test_the_model_is_told_which_command_cannot_be_run(tmp_path: Path) -> None:
    call = shell_call("echo a", " ", "echo b")
    agent, model = played([call], text(), tools=[ShellTool(WorkspaceShell(tmp_path))])
    await run(agent)
    # What has been done is not done again for that.
    assert chunks(model) == [("a\n", "", 0), ("", "The command is empty: give one\n", 126), ("b\n", "", 0)]


@pytest.mark.parametrize(
    ("command", "fields", "said"),
    [
        (["pwd"], {"working_directory": "below"}, "/below\n"),
        (["sh", "-c", "echo $WORD; exit 4"], {"env": {"WORD": "grist"}}, "grist\nexit code: 4\n"),
        (["sleep", "600"], {"timeout_ms": 200}, "timed out\n"),
        (["pwd"], {"working_directory": ".."}, "'..' is not in the workspace"),
    ],
)
async def test_a_local_shell_runs_its_command(
    command: list[str], fields: dict[str, Any], said: str, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    call = local_call(*command)
    for name, value in fields.items():
        setattr(call.action, name, value)
    agent, model = played([call], text(), tools=[LocalShellTool(WorkspaceShell(tmp_path).local)])
    await run(agent)
    assert said in last_answer(model)["output"]
