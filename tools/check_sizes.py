"""No file over 600 lines, no function body over 60: a body is counted without signature and docstring."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MAX_FILE_LINES = 600
MAX_BODY_LINES = 60


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring left out."""
    body = node.body
    first = body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def main() -> int:
    """Print what is too long; the exit status says whether anything is."""
    found: list[str] = []
    for folder in ("src", "tests", "examples", "bench", "tools"):
        for path in sorted(Path(folder).rglob("*.py")):
            if any(part.startswith(".") for part in path.parts):
                continue
            text = path.read_text(encoding="utf-8")
            lines = text.count("\n")
            if lines > MAX_FILE_LINES:
                found.append(f"{path}: {lines} lines (at most {MAX_FILE_LINES})")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = body_length(node)
                    if length > MAX_BODY_LINES:
                        found.append(
                            f"{path}:{node.lineno}: {node.name} has {length} lines (at most {MAX_BODY_LINES})"
                        )
    print("\n".join(found) or "sizes: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
