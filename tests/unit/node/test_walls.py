"""The wall around Nautilus' inside: what an import linter cannot see, because it is reached through attributes."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "node_image" / "src" / "trading_node"
INSIDE = {"kernel", "deregister", "register_endpoint", "create_pyo3_conversion_wrapper", "_builder"}
"""Attributes that lead into Nautilus' engine."""
MODULES = ("nautilus_trader.system", "nautilus_trader.live.node")
"""Modules that only the wall imports."""


def reaches_inside(source: str) -> list[str]:
    if not any(word in source for word in (*INSIDE, *MODULES)):
        return []  # Most modules name none of it, and parsing all of them takes a while.
    tree = ast.parse(source)
    found = [f"line {n.lineno}: .{n.attr}" for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in INSIDE]
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found += [f"line {node.lineno}: {name}" for name in names if name.startswith(MODULES)]  # type: ignore[attr-defined]
    return found


def test_only_the_wall_reaches_into_nautilus() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    inside = {file.relative_to(SOURCE).as_posix(): reaches_inside(file.read_text()) for file in files}
    assert inside["nautilus.py"], "the test looks for the wrong things"
    outside = {name: found for name, found in inside.items() if found and not name.startswith("nautilus")}
    assert outside == {}
