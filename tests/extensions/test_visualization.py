from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from agents import Agent, FunctionTool, Handoff, RunContextWrapper, function_tool, handoff
from agents._lazy import lazy_module
from agents.extensions import visualization
from agents.extensions.visualization import (
    draw_graph,
    get_all_edges,
    get_all_nodes,
    get_main_graph,
    get_mermaid_graph,
)

START = (
    '"__start__" [label="__start__", shape=ellipse, style=filled, fillcolor=lightblue, width=0.5, height=0.3];'
    '"__end__" [label="__end__", shape=ellipse, style=filled, fillcolor=lightblue, width=0.5, height=0.3];'
)
ROUNDED = 'shape=box, style="filled,rounded", fillcolor=lightyellow, width=1.5, height=0.8'


def tool(name: str) -> FunctionTool:
    @function_tool(name_override=name)
    def work() -> None: ...

    return work


class Server:
    """What is drawn of an MCP server."""

    def __init__(self, name: str) -> None:
        self.name = name


def with_servers(agent: Agent[Any], *servers: Server) -> Agent[Any]:
    vars(agent)["mcp_servers"] = servers
    return agent


def by_hand(name: str) -> Handoff[Any, Any]:
    async def choose(context: RunContextWrapper[Any], arguments: str) -> Agent[Any]:
        return Agent(name=name)

    return Handoff(
        tool_name="choose",
        tool_description="",
        input_json_schema={},
        on_invoke_handoff=choose,
        agent_name=name,
    )


def ids(agent: Agent[Any]) -> list[str]:
    """The ids of all nodes but start and end, in order."""
    return re.findall(r'"([^";]*)" \[label', get_all_nodes(agent))[2:]


def family() -> Agent[Any]:
    """An agent with a tool and a server, that hands over to one that may hand back, and to one with nothing."""
    b: Agent[Any] = Agent(name="B", tools=[tool("tool b")])
    a: Agent[Any] = Agent(name="A", tools=[tool("tool a")], handoffs=[b, handoff(Agent[Any](name="C"))])
    b.handoffs.append(a)
    return with_servers(a, Server("files"))


class TestDot:
    def test_an_agent_alone(self):
        assert get_main_graph(Agent[Any](name="A")) == (
            "\n    digraph G {\n"
            "        graph [splines=true];\n"
            '        node [fontname="Arial"];\n'
            "        edge [penwidth=1.5];\n"
            f'    {START}"A" [label="A", shape=box, style=filled, fillcolor=lightyellow, width=1.5, height=0.8];'
            '"__start__" -> "A";"A" -> "__end__";}'
        )

    def test_nodes(self):
        assert get_all_nodes(family()) == (
            f'{START}"A" [label="A", shape=box, style=filled, fillcolor=lightyellow, width=1.5, height=0.8];'
            '"tool a" [label="tool a", shape=ellipse, style=filled, fillcolor=lightgreen, width=0.5, height=0.3];'
            '"files" [label="files", shape=box, style=filled, fillcolor=lightgrey, width=1, height=0.5];'
            f'"B" [label="B", {ROUNDED}];'
            '"tool b" [label="tool b", shape=ellipse, style=filled, fillcolor=lightgreen, width=0.5, height=0.3];'
            f'"C" [label="C", {ROUNDED}];'
        )

    def test_edges(self):
        assert get_all_edges(family()).split("\n") == [
            '"__start__" -> "A";',
            '        "A" -> "tool a" [style=dotted, penwidth=1.5];',
            '        "tool a" -> "A" [style=dotted, penwidth=1.5];',
            '        "A" -> "files" [style=dashed, penwidth=1.5];',
            '        "files" -> "A" [style=dashed, penwidth=1.5];',
            '            "A" -> "B";',
            '        "B" -> "tool b" [style=dotted, penwidth=1.5];',
            '        "tool b" -> "B" [style=dotted, penwidth=1.5];',
            '            "B" -> "A";',
            '            "A" -> "C";"C" -> "__end__";',
        ]

    def test_a_handoff_written_by_hand_is_drawn_by_the_name_that_it_tells(self):
        agent: Agent[Any] = Agent(name="A", handoffs=[by_hand("Far")])
        assert get_all_nodes(agent).endswith(f'"Far" [label="Far", {ROUNDED}];')
        assert get_all_edges(agent) == '"__start__" -> "A";\n            "A" -> "Far";'

    def test_quotes_backslashes_and_line_ends_are_escaped(self):
        node = get_all_nodes(Agent[Any](name='a "b"\nc\\d\r\ne'))
        assert '"a \\"b\\"\\nc\\\\d\\ne" [label="a \\"b\\"\\nc\\\\d\\ne", shape=box' in node

    def test_with_a_parent_only_what_is_below_is_drawn(self):
        agent = family()
        child: Any = agent.handoffs[0]
        assert get_all_nodes(child, agent).startswith('"tool b" [')
        assert get_all_edges(child, agent).startswith('\n        "B" -> "tool b"')

    def test_agents_visited_before_are_left_out_and_those_drawn_are_added(self):
        visited = {"B"}
        nodes = get_all_nodes(family(), visited=visited)
        assert '"B" [' not in nodes
        assert '"tool b"' not in nodes
        assert visited == {"A", "B", "C"}
        assert get_all_nodes(family(), visited={"A"}) == get_all_edges(family(), visited={"A"}) == ""


class TestNamesakes:
    def test_agents_of_one_name_have_ids_of_their_own(self):
        first, second = Agent[Any](name="same"), Agent[Any](name="same")
        agent: Agent[Any] = Agent(name="root", handoffs=[first, second, first])
        assert ids(agent) == ["root", "__agents_graph_agent_0__", "__agents_graph_agent_1__"]
        assert get_all_edges(agent).count('"root" -> "__agents_graph_agent_0__"') == 2

    def test_what_is_shared_is_drawn_with_one_id(self):
        shared, server = tool("t"), Server("s")
        b = with_servers(Agent[Any](name="B", tools=[shared]), server)
        assert ids(with_servers(Agent[Any](name="A", tools=[shared], handoffs=[b]), server)) == [
            *("A", "t", "s"),
            *("B", "t", "s"),
        ]

    def test_so_do_things_of_different_kinds(self):
        agent = with_servers(Agent[Any](name="x", tools=[tool("x")], handoffs=[by_hand("x")]), Server("x"))
        assert ids(agent) == [
            f"__agents_graph_{kind}__" for kind in ("agent_0", "tool_1", "mcp_2", "handoff_3")
        ]

    @pytest.mark.parametrize("name", ["__start__", "__end__", "__agents_graph_agent_7__"])
    def test_a_name_that_the_graph_needs_itself_is_no_id(self, name: str):
        assert ids(Agent[Any](name=name)) == ["__agents_graph_agent_0__"]


class TestMermaid:
    def test_it_has_the_same_things(self):
        assert get_mermaid_graph(family()) == (
            "flowchart TD\n"
            '    start((start)) --> n0["A"]\n'
            '    n0 <-.-> n1(["tool a"])\n'
            '    n0 <-.-> n2[["files"]]\n'
            '    n0 --> n3["B"]\n'
            '    n3 <-.-> n4(["tool b"])\n'
            "    n3 --> n0\n"
            '    n0 --> n5["C"]\n'
            "    n5 --> finish((end))\n"
        )

    def test_names_cannot_break_out_of_their_quotes(self):
        assert '["a #quot;#35;quot; <br>b"]' in get_mermaid_graph(Agent[Any](name='a "#quot; \nb'))


class TestDrawing:
    def test_a_notebook_gets_the_source(self):
        pytest.importorskip("graphviz")
        assert draw_graph(family()).source.strip() == get_main_graph(family()).strip()

    @pytest.mark.skipif(sys.platform == "win32", reason="a script as the program")
    def test_a_file_is_drawn_by_dot_as_png_and_the_text_removed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        pytest.importorskip("graphviz")
        # Stands in for Graphviz's program: writes the file that it is asked for.
        dot = tmp_path / "dot"
        dot.write_text('#!/bin/sh\necho "$@" > "$0.asked"\nfor last; do true; done\ntouch "$last.png"\n')
        dot.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        draw_graph(family(), filename=str(tmp_path / "picture"))
        assert "-Tpng" in (tmp_path / "dot.asked").read_text()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["dot", "dot.asked", "picture.png"]

    def test_without_the_package_the_error_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "graphviz", None)
        monkeypatch.setattr(visualization, "_graphviz", lazy_module("graphviz"))
        with pytest.raises(ImportError, match=r"pip install 'headrace\[viz\]'"):
            draw_graph(family())
