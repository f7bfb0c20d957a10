"""The `medsynth` command as people and shells call it, whatever the command."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from medsynth.commands.main import COMMANDS, LINEAGE, OK, UNKNOWN, main
from medsynth.commands.output import Table, write
from medsynth.config import chosen
from medsynth.config.chosen import VARIABLE
from medsynth.store.layout import Layout

ROOT = Path(__file__).parents[2]
MEDSYNTH = [sys.executable, "-m", "medsynth.commands.main"]
# Of rich: colours, and the borders of boxes.
DRAWN = re.compile(r"\x1b\[|[╭╮╰╯│─]")
PATIENT = "10338984"


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    """A working folder; its results/ has the quarantine of cohort cxr, and a cohort unread."""
    monkeypatch.chdir(tmp_path)
    write_quarantine(Path("results"), 3)
    Path("results/cohorts/lung").mkdir()
    return tmp_path


def write_quarantine(results: Path, files: int) -> None:
    table = Path(Layout(results).quarantine.format(cohort="cxr"))
    table.parent.mkdir(parents=True)
    rows = {"source": [f"p/{k:06}.dcm" for k in range(files)], "reason": "truncated"}
    hidden = {"patient": PATIENT, "label": "Edema", "detail": f"of {PATIENT}"}
    pd.DataFrame(rows | hidden).to_parquet(table)


def on_terminal(*command: str) -> str:
    """What somebody sees who calls it on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:  # as Linux tells the end
            break
        if not some:
            break
        shown += some
    os.close(ours)
    process.wait()
    return shown.decode()


def test_help_waits_for_nothing_slow():
    """Import is what takes the time: what a command needs is imported when it is called."""
    code = (
        "import sys; from medsynth.commands.main import main; main(['--help']); main(['--version'])"
        "; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    slow = {"torch", "numpy", "pandas", "pyarrow", "pydantic", "mlflow", "sqlite3", "rich"}
    assert "medsynth.commands.lineage.status" in loaded and not slow & loaded


def test_only_the_command_that_is_called_is_imported():
    code = "import sys; from medsynth.commands.main import main; main(['quarantine', 'x'])"
    code += "; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("medsynth.commands.") for name in done.stdout.split()}
    assert {c for c in COMMANDS if c in loaded or f"lineage.{c}" in loaded} == {"quarantine"}


def test_version_is_that_of_the_project_and_its_commit(capsys):
    assert main(["--version"]) == OK
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    says = capsys.readouterr().out
    assert says.startswith(f"medsynth {number}")
    if (ROOT / ".git").exists():
        head = ["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"]
        commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()
        assert f"(commit {commit}" in says


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["quarantined", "cxr"], "'quarantine'"),
        (["stats"], "'status'"),
        (["verify", "--dep"], "--deep"),
        (["quarantine", "cxr", "--result", "x"], "--results"),
    ],
)
def test_the_nearest_command_or_option_is_suggested(arguments, meant, capsys):
    assert main(arguments) == UNKNOWN
    assert meant in capsys.readouterr().err.splitlines()[-1]


def test_the_results_folder_stands_before_or_after_the_command(study, capsys):
    Path("results").rename("mine")
    for arguments in (
        ["--results", "mine", "quarantine", "cxr"],
        ["quarantine", "cxr", "--results", "mine"],
        ["--results", "no", "quarantine", "--results", "mine", "cxr"],
    ):
        assert main([*arguments, "--json"]) == OK
        assert json.loads(capsys.readouterr().out)["reasons"] == {"truncated": 3}
    assert main(["quarantine", "cxr"]) == UNKNOWN
    assert "--results" in capsys.readouterr().err


def test_a_results_folder_is_not_passed_over(study, capsys):
    assert main(["--results", "results", "check"]) == UNKNOWN
    assert "check looks at no results" in capsys.readouterr().err


@pytest.mark.parametrize("question", LINEAGE)
def test_a_folder_without_a_record_is_refused_and_left_as_it_is(tmp_path, capsys, question):
    arguments = {"trace": ["x"], "impact": ["p", "--erase", "--yes"], "diff": ["a", "b"]}
    arguments |= {"rerun": ["x"], "export": [str(tmp_path / "crate")]}
    (tmp_path / "mine/lineage").mkdir(parents=True)
    (tmp_path / "mine/lineage/ledger.db").touch()
    assert main(["--results", str(tmp_path), question, *arguments.get(question, [])]) == UNKNOWN
    message = capsys.readouterr().err
    assert f"--results (there is one in {tmp_path / 'mine'})" in message
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_results_folder_is_that_of_the_configuration_in_the_environment(
    study, capsys, monkeypatch
):
    Path("results").rename("mine")
    Path("my.yaml").write_text("results_dir: $PLACE\n")
    monkeypatch.setenv("PLACE", "mine")
    monkeypatch.setenv(VARIABLE, "my.yaml")
    assert main(["quarantine", "cxr"]) == OK
    assert main(["--results", "results", "quarantine", "cxr"]) == UNKNOWN
    for text in ("", "cohorts: {}\n"):  # which then is the default
        Path("my.yaml").write_text(text)
        assert chosen.results_folder() == Path("results")


@pytest.mark.parametrize(
    ("text", "fault"),
    [(None, "is not there"), ("a: [", "is no YAML"), ("a: \0", "is no YAML")],
)
def test_a_configuration_of_the_environment_that_cannot_be_read_is_an_error(
    study, capsys, monkeypatch, text, fault
):
    monkeypatch.setenv(VARIABLE, "my.yaml")
    if text is not None:
        Path("my.yaml").write_text(text)
    assert main(["status"]) == UNKNOWN
    message = capsys.readouterr().err
    assert message.startswith("medsynth: my.yaml") and fault in message and VARIABLE in message
    monkeypatch.setenv(VARIABLE, "")  # as good as unset
    assert main(["quarantine", "cxr"]) == OK


def test_a_defect_shows_no_values_and_is_not_drawn(study):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from medsynth.commands import main\n"
        "from medsynth.commands.lineage import status\n"
        "def answer(results: Path):\n"
        f"    patient = str({PATIENT})\n"
        "    raise RuntimeError('broken')\n"
        "status.answer = answer\n"
        "sys.exit(main.main(['status']))\n"
    )
    shown = on_terminal(sys.executable, "-c", code)
    assert shown.rstrip().endswith("RuntimeError: broken")
    assert "Traceback (most recent" in shown and "╭" not in shown and PATIENT not in shown


@pytest.mark.parametrize("arguments", [["--help"], ["quarantine", "cxr"]])
def test_only_a_terminal_gets_colours_and_boxes(study, arguments):
    piped = subprocess.run(
        [*MEDSYNTH, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"FORCE_COLOR": "1", "GITHUB_ACTIONS": "1"},
    )
    assert piped.stdout and not DRAWN.search(piped.stdout + piped.stderr)
    assert DRAWN.search(on_terminal(*MEDSYNTH, *arguments))


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path):
    write_quarantine(tmp_path / "results", 5_000)  # more than a pipe holds
    medsynth = " ".join(MEDSYNTH)
    lines = f"{medsynth} quarantine cxr | head -1; {medsynth} no 2>&1 >/dev/null | true"
    done = subprocess.run(["bash", "-c", lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["reason", "count", "meaning"] and not done.stderr


@pytest.mark.parametrize("part", ["a line", Table(("a",), [("1",)])])
def test_nobody_may_read_it_at_all(part):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        write([part], stream)  # closing it would complain, too


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [("medsynth quar", "1", "quarantine"), ("medsynth verify --d", "2", "--deep")],
)
def test_the_shell_completes_commands_and_options(words, place, expected, capsys, monkeypatch):
    monkeypatch.setenv("_MEDSYNTH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", place)
    assert main([]) == OK
    assert capsys.readouterr().out.split() == [expected]


def test_what_the_system_refuses_names_the_path_and_what_to_do(study, capsys):
    assert main(["quarantine", "x" * 300]) == UNKNOWN
    message = capsys.readouterr().err
    assert message.startswith("medsynth: results/cohorts/xxx") and "shorter name" in message
    assert len(message) < 200


def test_quarantine_lists_files_and_reasons_and_nothing_else(study, capsys):
    assert main(["quarantine", "cxr"]) == OK
    text = capsys.readouterr().out
    assert re.search(r"^truncated +3 +fewer pixel bytes", text, re.M)
    assert re.findall(r"^truncated  (p/\S+)$", text, re.M) == [f"p/{k:06}.dcm" for k in range(3)]
    assert main(["quarantine", "cxr", "--json"]) == OK
    data = capsys.readouterr().out
    assert json.loads(data)["unusable"][0] == {
        "reason": "truncated",
        "file": "p/000000.dcm",
        "rows": None,
    }
    assert not [word for word in (PATIENT, "Edema") if word in text + data]


def test_quarantine_counts_rows_of_genotype_tables(study, capsys):
    rows = {"reason": ["unclear_mutation"] * 2, "source": "a.maf", "case": "TCGA-ZZ-0001"}
    pd.DataFrame(rows).to_parquet(Layout("results").calls_quarantine.format(cohort="cxr"))
    assert main(["quarantine", "cxr"]) == OK
    text = capsys.readouterr().out
    assert re.search(r"^unclear_mutation +2 ", text, re.M) and "a.maf  (2 rows)" in text
    assert "TCGA-ZZ" not in text


@pytest.mark.parametrize(
    ("cohort", "message"),
    [
        ("cxt", "no cohort 'cxt' in results/cohorts; did you mean cxr? There are: cxr, lung"),
        ("../cohorts/cxr", "no cohort '../cohorts/cxr' in results/cohorts"),
        ("", "no cohort ''"),
        ("lung", "run `snakemake results/cohorts/lung/quarantine.parquet`"),
    ],
)
def test_a_cohort_that_is_not_there_is_said_with_the_nearest(study, capsys, cohort, message):
    assert main(["quarantine", cohort]) == UNKNOWN
    assert message in capsys.readouterr().err


def test_a_cohort_without_faults_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_quarantine(Path("results"), 0)
    assert main(["quarantine", "cxr"]) == OK
    assert capsys.readouterr().out == "cohort cxr: every file can be used\n"
