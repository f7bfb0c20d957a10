"""A copy of the source tree in which tests run the public command line and may edit files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ["Snakefile", "rules", "workflow_scripts", "config", "profiles", "envs"]


class Checkout:
    """A private source tree; `snakemake` runs in it with its own copy of the library."""

    def __init__(self, folder: Path, *, exists: bool = False):
        self.folder = folder
        if not exists:
            self._fill()
        self.environment = os.environ | {
            "PYTHONPATH": f"{folder / 'workflow_scripts'}{os.pathsep}{ROOT / 'tests' / 'children'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _fill(self) -> None:
        self.folder.mkdir(parents=True)
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, self.folder / name)
        tiny = Path(__file__).parent / "workflow" / "tiny.yaml"
        shutil.copyfile(tiny, self.folder / "tiny.yaml")

    def copy(self, folder: Path) -> Checkout:
        """Another one that was made by the same runs, to be altered."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder, exists=True)

    def command(self, *arguments: str) -> list[str]:
        """The full command line; a configuration other than tiny.yaml may be among `arguments`."""
        config = [] if "--configfile" in arguments else ["--configfile", "tiny.yaml"]
        return [
            *(sys.executable, "-m", "snakemake", "--cores", "2", "--resources", "gpu=4"),
            *(*config, *arguments),
        ]

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the workflow and return what it printed, stdout and stderr together."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=1500,
        )
        if check and done.returncode:
            raise AssertionError(done.stdout[-6000:])
        return done

    def declared_outputs(self, *arguments: str) -> set[str]:
        """Every output file that Snakemake knows of."""
        lines = self.snakemake("--summary", *arguments).stdout.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("output_file\t"))
        return {line.split("\t")[0] for line in lines[start + 1 :] if "\t" in line}

    def outputs_in_mlflow(self, study: str) -> set[str]:
        """Outputs of the jobs that ended well, as their runs in MLflow have them."""
        from mlflow.tracking import MlflowClient  # slow

        client = MlflowClient(f"sqlite:///{self.folder}/results/lineage/mlflow.db")
        experiment = client.get_experiment_by_name(study)
        recorded = set()
        for run in client.search_runs([experiment.experiment_id], max_results=1000):
            if run.data.tags["medsynth.kind"] == "job" and run.info.status == "FINISHED":
                record = client.download_artifacts(run.info.run_id, "record.json")
                outputs = json.loads(Path(record).read_text())["end"]["outputs"]
                recorded |= {entry["path"] for entry in outputs}
        return recorded

    def medsynth(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the lineage command."""
        return subprocess.run(
            [sys.executable, "-m", "medsynth.commands.main", *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=120,
        )
