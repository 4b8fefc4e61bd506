"""docs/coverage.md names only modules, tests and table rows that exist, and leaves no paragraph out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
EXPLAINS: Final = "explains; nothing to implement"
PARAGRAPHS: Final = {"C": 10, "I": 92, "E": 12, "R": 27, "H": 19}
"""How many paragraphs each page has; a row of the map is a letter and a number."""


@dataclass(frozen=True)
class Row:
    """One paragraph of a page, as the map has it."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    explains: bool


def _quoted(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def rows(text: str) -> Iterator[Row]:
    """The rows of all tables of the map."""
    for line in text.splitlines():
        if re.match(r"\| [A-Z]\d+ \|", line):
            name, _says, modules, tests = (cell.strip() for cell in line.strip().strip("|").split("|"))
            yield Row(name, _quoted(modules), _quoted(tests), modules == EXPLAINS)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _members(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {statement.name: statement for statement in body if isinstance(statement, kinds)}


def missing_test(reference: str, root: Path) -> str:
    """What `tests/path.py::Class::test_name[row]` names and is not there, "" when all of it is.

    A row is there when its text, without what pytest adds, is written in the file.
    """
    reference, _, row = reference.removesuffix("]").partition("[")
    path, *names = reference.split("::")
    if not (root / path).is_file():
        return path
    if not names or not names[-1].startswith("test_"):
        return f"a test's name in {reference}"
    body = _tree(root / path).body
    for name in names:
        found = _members(body).get(name)
        if found is None:
            return f"{name} in {path}"
        body = getattr(found, "body", [])
    written = {node.value for node in ast.walk(_tree(root / path)) if isinstance(node, ast.Constant)}
    return f"row {row!r} in {path}" if row and row not in written else ""


MAP: Final = (ROOT / "docs" / "coverage.md").read_text()
TABLES, _, NOT_YET = MAP.partition("\n## Not yet\n")
ROWS: Final = list(rows(TABLES))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_row_names_exists(row: Row) -> None:
    assert row.explains or (row.modules and row.tests), "a module and a test, or the words that nothing is to do"
    assert [name for name in row.modules if not (ROOT / "src" / "podwright" / name).is_file()] == []
    assert [gone for reference in row.tests if (gone := missing_test(reference, ROOT))] == []


def test_every_paragraph_stands_in_the_map_once() -> None:
    expected = [f"{page}{number}" for page, count in PARAGRAPHS.items() for number in range(1, count + 1)]
    assert [row.name for row in ROWS] == expected


def test_what_is_not_yet_there_belongs_to_a_paragraph() -> None:
    named = set(re.findall(r"\b[CIERH]\d+\b", NOT_YET))
    entries = re.findall(r"^- .*", NOT_YET, re.MULTILINE)
    assert named <= {row.name for row in ROWS}
    assert all(re.match(r"- \*\*[CIERH]\d+", entry) for entry in entries)


@pytest.mark.parametrize(
    ("reference", "gone"),
    [
        pytest.param("tests/a.py::test_it", "", id="a function"),
        pytest.param("tests/a.py::TestIt::test_more[one row]", "", id="a row of a method"),
        pytest.param("tests/b.py::test_it", "tests/b.py", id="no such file"),
        pytest.param("tests/a.py::test_other", "test_other in tests/a.py", id="no such function"),
        pytest.param("tests/a.py::TestIt::test_it", "test_it in tests/a.py", id="not in that class"),
        pytest.param("tests/a.py::test_it[two]", "row 'two' in tests/a.py", id="no such row"),
        pytest.param("tests/a.py", "a test's name in tests/a.py", id="a file alone"),
    ],
)
def test_what_is_gone_is_named(tmp_path: Path, reference: str, gone: str) -> None:
    (tmp_path / "tests").mkdir()
    source = "def test_it(): ...\nclass TestIt:\n    async def test_more(self): 'one row'\n"
    (tmp_path / "tests" / "a.py").write_text(source)
    assert missing_test(reference, tmp_path) == gone
