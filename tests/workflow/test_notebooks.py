"""Every notebook of the documentation runs to its end: ``pytest --notebooks``."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_run(notebook, request):
    if not request.config.getoption("--notebooks"):
        pytest.skip("takes minutes: pytest --notebooks")
    from tests.notebooks import executed  # packages of the extra dev

    found = executed(notebook, request.getfixturevalue("finished").folder)
    printed = "".join(
        output.get("text", "")
        for cell in found.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "Traceback" not in printed and "medsynth: " not in printed
