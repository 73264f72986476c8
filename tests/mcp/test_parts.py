"""The parts that need no server: names, filters, the cache, approval policies, checks, addresses."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import Tool

import agents.mcp
from agents import Agent, RunContextWrapper, UserError
from agents._ports.mcp_approval import ApprovalPolicy
from agents.mcp import MCPServerStdio, MCPUtil, ToolFilterContext, create_static_tool_filter
from agents.mcp._names import prefixed_names
from agents.mcp._text import without_secrets
from agents.mcp._tool_cache import ToolCache
from agents.mcp.filters import filtered

_texts = st.text(max_size=80)
_tools = st.lists(
    st.tuples(st.sampled_from(["desk", "Büro", "stdio: node"]), st.integers(0, 2), _texts), unique=True
)


class TestNames:
    @given(_tools, st.sets(st.sampled_from(["mcp_desk__a", "mcp_desk__b"])))
    def test_names_are_unique_short_and_ascii(self, tools: list[tuple[str, int, str]], reserved: set[str]):
        names = prefixed_names(tools, reserved)
        assert len({*names, *reserved}) == len(names) + len(reserved)
        assert all(name.isascii() and len(name) <= 64 and name.startswith("mcp_") for name in names)

    @given(_tools, st.randoms())
    def test_the_order_of_tools_changes_no_name(self, tools: list[tuple[str, int, str]], random: Any):
        unique = list({(server, tool): (server, 0, tool) for server, _, tool in tools}.values())
        names = dict(zip(unique, prefixed_names(unique), strict=True))
        shuffled = random.sample(unique, len(unique))
        assert dict(zip(shuffled, prefixed_names(shuffled), strict=True)) == names

    def test_a_name_that_is_free_is_readable_and_one_that_is_not_has_eight_digits_more(self):
        assert prefixed_names([("my desk", 0, "add")]) == ["mcp_my_desk__add"]
        (name,) = prefixed_names([("desk", 0, "add")], {"mcp_desk__add"})
        assert name.startswith("mcp_desk__add_")
        assert len(name) == len("mcp_desk__add_") + 8


class TestCache:
    def test_a_listing_that_began_before_an_invalidation_is_not_kept(self):
        cache = ToolCache[str]()
        ticket = cache.begin()
        cache.invalidate()
        cache.keep(ticket, ["old"])
        assert cache.tools() is None

    def test_an_older_listing_never_replaces_a_newer_one(self):
        cache = ToolCache[str]()
        older, newer = cache.begin(), cache.begin()
        cache.keep(newer, ["new"])
        cache.keep(older, ["old"])
        assert cache.tools() == ["new"]

    def test_what_goes_in_and_out_is_copied(self):
        cache = ToolCache[list[str]]()
        tools = [["a"]]
        cache.keep(cache.begin(), tools)
        tools[0].append("b")
        (cache.tools() or [[]])[0].append("c")
        assert cache.tools() == [["a"]]


class TestFilters:
    tools = tuple(Tool(name=name, input_schema={"type": "object"}) for name in ("a", "b", "c"))

    async def test_lists_allow_and_block(self):
        chosen = create_static_tool_filter(allowed_tool_names=["a", "b"], blocked_tool_names=["b"])
        assert [tool.name for tool in await filtered(list(self.tools), chosen, "desk", None, None)] == ["a"]
        assert create_static_tool_filter() is None

    async def test_a_function_decides_for_whom_and_drops_what_it_fails_for(self):
        async def decide(context: ToolFilterContext, tool: Any) -> bool:
            assert (context.server_name, context.agent.name) == ("desk", "a")
            if tool.name == "b":
                raise LookupError
            return True

        agent: Agent[None] = Agent(name="a")
        passed = await filtered(list(self.tools), decide, "desk", RunContextWrapper(None), agent)
        assert [tool.name for tool in passed] == ["a", "c"]
        with pytest.raises(UserError, match="run context and agent"):
            await filtered(list(self.tools), decide, "desk", None, None)


class TestApproval:
    @pytest.mark.parametrize(
        ("setting", "verdicts"),
        [
            (None, [False, False]),
            ("always", [True, True]),
            ("never", [False, False]),
            (True, [True, True]),
            ({"a": "always", "b": "never"}, [True, False]),
            ({"always": {"tool_names": ["b"]}}, [False, True]),
            ({"always": {"tool_names": ["a"]}, "never": {"tool_names": ["b"]}}, [True, False]),
            ({"always": "always"}, [False, False]),
        ],
    )
    def test_a_setting_decides_for_each_tool(self, setting: Any, verdicts: list[bool]):
        policy = ApprovalPolicy.of(setting)
        assert [policy.for_tool(name) for name in ("a", "b")] == verdicts

    @pytest.mark.parametrize(
        "setting",
        [
            "sometimes",
            3,
            {"a": "maybe"},
            {"always": {"tool_names": "a"}},
            {"sometimes": {"tool_names": ["a"]}},
            {"always": {"tool_names": ["a"]}, "never": {"tool_names": ["a"]}},
        ],
    )
    def test_a_setting_that_means_nothing_is_refused(self, setting: Any):
        with pytest.raises(UserError, match="require_approval"):
            MCPServerStdio({"command": "none"}, require_approval=setting)


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "is_strict"),
        [
            ({"type": "object", "properties": {"a": {"type": "string"}}}, True),
            ({"type": "object", "properties": {}}, True),
            ({"type": "object"}, False),
            ({"type": "object", "properties": {}, "additionalProperties": True}, False),
            (
                {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": True}}},
                False,
            ),
            ({"type": "object", "properties": {"a": True}}, False),
            ({"type": "object", "properties": {"a": {"$ref": "other.json", "description": "b"}}}, False),
        ],
    )
    def test_a_schema_is_strict_or_as_it_was(self, schema: dict[str, Any], is_strict: bool):
        tool = Tool(name="a", input_schema=schema)
        made = MCPUtil.to_function_tool(tool, MCPServerStdio({"command": "none"}), True)
        assert made.strict_json_schema is is_strict
        if not is_strict:
            assert made.params_json_schema == {"properties": {}, **schema}
        assert tool.input_schema == schema


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_list_pages": 0}, ValueError, "max_list_pages must be a positive integer or None"),
        ({"max_list_pages": True}, TypeError, "max_list_pages must be a positive integer or None"),
        ({"client_session_timeout_seconds": "5"}, TypeError, "must be a number of seconds or None"),
        ({"client_session_timeout_seconds": -1}, ValueError, "non-negative finite"),
    ],
)
def test_numbers_out_of_range_are_refused(options: Any, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        MCPServerStdio({"command": "none"}, **options)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at https://u:p@h.org:8/a/b?k=v#f!", "at https://h.org:8/a/b!"),
        ("(http://h/x), http://u@[::1]:9/?q", "(http://h/x), http://[::1]:9/"),
        ("https://[broken/?k", "https://[hidden]"),
        ("nothing", "nothing"),
    ],
)
def test_addresses_lose_their_secrets(text: str, shown: str):
    assert without_secrets(text) == shown


def test_nothing_of_mcp_is_loaded_before_an_agent_has_servers():
    script = (
        "import sys, agents; agents.Agent(name='a'); print('mcp' in sys.modules, 'mcp_types' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]


def test_without_the_extra_the_import_says_what_to_install():
    script = "import sys; sys.modules['mcp'] = None; import importlib.util as u; u.find_spec = lambda n: None; import agents.mcp"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "run pip install 'headrace[mcp]'" in shown.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", agents.mcp.__all__)
def test_annotations_of_public_classes_resolve(name: str):
    public: Any = getattr(agents.mcp, name)
    if inspect.isclass(public):
        get_type_hints(public)
        if "__init__" in vars(public) and not issubclass(public, dict):
            get_type_hints(vars(public)["__init__"])
