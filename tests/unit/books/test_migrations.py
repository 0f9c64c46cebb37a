"""Migrations only add: the release before runs on the result of every one of them."""

import ast
from pathlib import Path

import pytest

from trading_node.store.migrate import MIGRATIONS
from trading_node.store.schema import REVISION

ADDING = {"create_table", "create_index", "add_column", "execute", "get_context"}
SCRIPTS = sorted((MIGRATIONS / "versions").glob("rev_*.py"))


def faults(source: str) -> list[str]:
    """What in a migration could stop the release before."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "op":
            continue
        text = ast.unparse(node)
        if node.func.attr not in ADDING:
            found.append(f"{text}: does not only add")
        if node.func.attr == "execute" and not text.removeprefix("op.execute(").lstrip("f'\"").startswith("CREATE "):
            found.append(f"{text}: does not create")
        if node.func.attr == "add_column" and "nullable=False" in text and "server_default" not in text:
            found.append(f"{text}: the release before would not fill it")
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_migration_only_adds(script: Path) -> None:
    assert faults(script.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_column("unified_orders", "odds")',
        'op.alter_column("unified_orders", "odds", new_column_name="price")',
        'op.rename_table("unified_orders", "orders")',
        'op.execute("DROP TABLE unified_orders")',
        'op.add_column("unified_orders", sa.Column("desk", sa.String(), nullable=False))',
    ],
)
def test_what_takes_away_is_found(line: str) -> None:
    assert len(faults(line)) == 1


def test_the_code_wants_the_newest_migration() -> None:
    assert SCRIPTS[-1].stem.startswith(f"rev_{REVISION}_")
