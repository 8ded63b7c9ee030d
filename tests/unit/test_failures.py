"""`docs/failures.md` names a test for every row, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_HEADINGS = re.compile(r"^\| it (?:breaks|waits)|^\| ---")
ROWS = [
    line
    for line in (_ROOT / "docs" / "failures.md").read_text().splitlines()
    if line.startswith("|") and not _HEADINGS.match(line)
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_row_is_whole_and_its_tests_exist(row: str) -> None:
    *cells, shown_by = (cell.strip() for cell in row.strip("|").split("|"))

    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown_by)

    assert len(cells) == 4
    assert all(cells)
    assert named
    for file, name in named:
        assert re.search(rf"^(?:async )?def {name}\(", (_ROOT / file).read_text(), re.MULTILINE), name
