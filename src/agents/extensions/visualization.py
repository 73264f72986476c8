"""Pictures of agents, their tools, MCP servers and handoffs: as Graphviz and as Mermaid text.

`draw_graph` needs `pip install 'headrace[viz]'`, and the program `dot` of Graphviz for files; texts need nothing.

1. A thing is drawn once, whatever it is reached by: agents, handoffs and servers are what they are by identity.
2. Its name is its id in the graph, unless another thing has that name too; then both have ids that are made up.
3. A handoff whose target is not known before it is called is drawn by the name that it tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agents._lazy import lazy_module
from agents.agent import Agent
from agents.handoffs import Handoff

if TYPE_CHECKING:
    import graphviz as _graphviz
else:
    _graphviz = lazy_module("graphviz")

_Kind: TypeAlias = Literal["agent", "tool", "mcp", "handoff"]

_START, _END = "__start__", "__end__"
_MADE_UP = "__agents_graph_"

_AGENT = "fillcolor=lightyellow, width=1.5, height=0.8"
_SMALL = "width=0.5, height=0.3"
_STYLES: dict[_Kind, str] = {
    "agent": f'shape=box, style="filled,rounded", {_AGENT}',
    "handoff": f'shape=box, style="filled,rounded", {_AGENT}',
    "tool": f"shape=ellipse, style=filled, fillcolor=lightgreen, {_SMALL}",
    "mcp": "shape=box, style=filled, fillcolor=lightgrey, width=1, height=0.5",
}
_FIRST_AGENT_STYLE = f"shape=box, style=filled, {_AGENT}"
_END_STYLE = f"shape=ellipse, style=filled, fillcolor=lightblue, {_SMALL}"
_EDGE_STYLES: dict[_Kind, str] = {"tool": "dotted", "mcp": "dashed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """What becomes a node."""

    kind: _Kind
    thing: Any
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """That `owner` has `child`; None is the end. `is_new` when a node is to be drawn for the child."""

    owner: _Thing
    child: _Thing | None
    is_new: bool = True


def get_main_graph(agent: Agent[Any]) -> str:
    """The whole graph of what can be reached from `agent`, as DOT text."""
    return (
        "\n    digraph G {\n"
        "        graph [splines=true];\n"
        '        node [fontname="Arial"];\n'
        "        edge [penwidth=1.5];\n"
        f"    {get_all_nodes(agent)}{get_all_edges(agent)}}}"
    )


def get_all_nodes(
    agent: Agent[Any], parent: Agent[Any] | None = None, visited: set[str] | None = None
) -> str:
    """The nodes of the graph, as DOT text.

    With a `parent`, the nodes of the start, the end and `agent` itself are taken to be drawn already. Agents whose
    names are in `visited` are left out; those that are drawn are added to it.
    """
    links = _links(agent, visited)
    ids = _Ids(agent, links, visited)
    nodes: list[str] = []
    if parent is None and links:
        nodes += [_node(_START, _START, _END_STYLE), _node(_END, _END, _END_STYLE)]
        nodes.append(_node(ids.of(agent), agent.name, _FIRST_AGENT_STYLE))
    for link in links:
        if link.child is not None and link.is_new:
            nodes.append(_node(ids.of(link.child.thing), link.child.name, _STYLES[link.child.kind]))
    _visit(agent, links, visited)
    return "".join(nodes)


def get_all_edges(
    agent: Agent[Any], parent: Agent[Any] | None = None, visited: set[str] | None = None
) -> str:
    """The edges of the graph, as DOT text; `parent` and `visited` are those of `get_all_nodes`."""
    links = _links(agent, visited)
    ids = _Ids(agent, links, visited)
    edges: list[str] = []
    if parent is None and links:
        edges.append(f"{_quoted(_START)} -> {_quoted(ids.of(agent))};")
    for link in links:
        owner = _quoted(ids.of(link.owner.thing))
        if link.child is None:
            edges.append(f"{owner} -> {_quoted(_END)};")
            continue
        child = _quoted(ids.of(link.child.thing))
        style = _EDGE_STYLES.get(link.child.kind)
        if style is None:
            edges.append(f"\n            {owner} -> {child};")
        else:
            edges += [
                f"\n        {one} -> {other} [style={style}, penwidth=1.5];"
                for one, other in ((owner, child), (child, owner))
            ]
    _visit(agent, links, visited)
    return "".join(edges)


def draw_graph(agent: Agent[Any], filename: str | None = None) -> _graphviz.Source:
    """The graph as a `graphviz.Source`, which notebooks show; with a `filename`, also drawn to `<filename>.png`.

    Raises:
        ImportError: the package `graphviz` is not installed.
        graphviz.ExecutableNotFound: a file is asked for, and there is no program `dot`.
    """
    try:
        graph = _graphviz.Source(get_main_graph(agent))
    except ImportError as error:
        raise ImportError(
            "graphviz is not installed, and draw_graph needs it. Run: pip install 'headrace[viz]'"
        ) from error
    if filename is not None:
        graph.render(filename, format="png", cleanup=True)  # pyright: ignore[reportUnknownMemberType]  # its paths are of any kind
    return graph


def get_mermaid_graph(agent: Agent[Any]) -> str:
    """The whole graph as a Mermaid flowchart, which Markdown on many sites shows."""
    links = _links(agent, None)
    numbers: dict[int, str] = {}

    def node(thing: _Thing) -> str:
        known = numbers.get(id(thing.thing))
        if known is not None:
            return known
        name = numbers[id(thing.thing)] = f"n{len(numbers)}"
        left, right = _MERMAID_SHAPES[thing.kind]
        text = thing.name.replace("#", "#35;").replace('"', "#quot;").replace("\n", "<br>")
        return f'{name}{left}"{text}"{right}'

    lines = ["flowchart TD", f"    start((start)) --> {node(_agent_thing(agent))}"]
    for link in links:
        # In this order: what is named first is described first.
        owner = node(link.owner)
        target = "finish((end))" if link.child is None else node(link.child)
        arrow = "-->" if link.child is None else _MERMAID_ARROWS[link.child.kind]
        lines.append(f"    {owner} {arrow} {target}")
    return "\n".join(lines) + "\n"


_MERMAID_SHAPES: dict[_Kind, tuple[str, str]] = {
    "agent": ("[", "]"),
    "handoff": ("[", "]"),
    "tool": ("([", "])"),
    "mcp": ("[[", "]]"),
}
_MERMAID_ARROWS: dict[_Kind, str] = {"agent": "-->", "handoff": "-->", "tool": "<-.->", "mcp": "<-.->"}


def _agent_thing(agent: Agent[Any]) -> _Thing:
    return _Thing(kind="agent", thing=agent, name=agent.name)


def _links(agent: Agent[Any], visited: Iterable[str] | None) -> list[_Link]:
    """What is to be drawn below `agent`, depth first; nothing if it is visited."""
    names = frozenset(visited or ())
    return [] if agent.name in names else list(_walk(agent, {id(agent)}, names))


def _walk(agent: Agent[Any], seen: set[int], visited: frozenset[str]) -> Iterator[_Link]:
    owner = _agent_thing(agent)
    for tool in agent.tools:
        yield _Link(owner=owner, child=_Thing(kind="tool", thing=tool, name=tool.name))
    for server in agent.mcp_servers:
        yield _Link(owner=owner, child=_Thing(kind="mcp", thing=server, name=server.name))
    for handoff in agent.handoffs:
        target: Agent[Any] | None = handoff.target_agent if isinstance(handoff, Handoff) else handoff
        if target is None:
            assert isinstance(handoff, Handoff)
            yield _Link(owner=owner, child=_Thing(kind="handoff", thing=handoff, name=handoff.agent_name))
            continue
        is_new = id(target) not in seen and target.name not in visited
        seen.add(id(target))
        yield _Link(owner=owner, child=_agent_thing(target), is_new=is_new)
        if is_new:
            yield from _walk(target, seen, visited)
    if not agent.handoffs:
        yield _Link(owner=owner, child=None)


def _visit(agent: Agent[Any], links: list[_Link], visited: set[str] | None) -> None:
    """Add what was drawn to the caller's `visited`."""
    if visited is not None and links:
        visited.add(agent.name)
        visited.update(link.owner.name for link in links)


class _Ids:
    """The ids of nodes, by rule 2."""

    def __init__(self, agent: Agent[Any], links: list[_Link], visited: Iterable[str] | None) -> None:
        things = [_agent_thing(agent), *(link.child for link in links if link.child is not None)]
        self._of: dict[int, str] = {}
        namesakes: dict[str, set[int]] = {}
        for one in things:
            namesakes.setdefault(one.name, set()).add(id(one.thing))
        # An agent that is drawn already has its own name.
        elsewhere = frozenset(visited or ())
        made_up = 0
        for one in things:
            if id(one.thing) in self._of:
                continue
            is_elsewhere = one.kind == "agent" and one.name in elsewhere
            is_taken = one.name in {_START, _END, *elsewhere} or one.name.startswith(_MADE_UP)
            if is_elsewhere or (len(namesakes[one.name]) == 1 and not is_taken):
                self._of[id(one.thing)] = one.name
            else:
                self._of[id(one.thing)] = f"{_MADE_UP}{one.kind}_{made_up}__"
                made_up += 1

    def of(self, thing: Any) -> str:
        return self._of[id(thing)]


def _node(node_id: str, label: str, style: str) -> str:
    return f"{_quoted(node_id)} [label={_quoted(label)}, {style}];"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n") + '"'
