"""The notebooks of docs/notebooks, executed; ``python -m tests.notebooks`` keeps what they print.

That is to be called in a project whose demo has run, with the extra dev installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"


def executed(notebook: Path, project: Path) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in a project folder, whose path they do not tell.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    found = nbformat.read(notebook, as_version=4)
    # `!medsynth` and `snakemake` are those of this environment and of the project.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(project / "workflow_scripts")}
    client = nbclient.NotebookClient(
        found, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(project)}}
    )
    client.execute(env=environment)
    for cell in found.cells:
        cell.metadata.pop("execution", None)  # times
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = output["text"].replace(f"{project.resolve()}/", "")
    return found


if __name__ == "__main__":
    for notebook in sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(executed(notebook, Path.cwd()), notebook)
