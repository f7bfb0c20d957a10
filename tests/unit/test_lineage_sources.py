from __future__ import annotations

import subprocess

import pytest

from medsynth.lineage.recording.environment import code_state
from medsynth.lineage.replay.checkout import check_out


@pytest.mark.parametrize("inside", ["Snakefile", "flow/Snakefile"])
def test_sources_come_back_also_by_way_of_a_link(tmp_path, inside):
    repository = tmp_path / "repository"
    (repository / inside).parent.mkdir(parents=True)
    (repository / inside).write_text("then")

    def git(*arguments: str) -> None:
        me = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
        subprocess.run(["git", "-C", repository, *me, *arguments], check=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=then")
    (repository / "new.py").write_text("untracked")
    (tmp_path / "link").symlink_to(repository)
    snakefile = tmp_path / "link" / inside
    ran = {"snakefile": str(snakefile), "git": code_state(snakefile.parent, tmp_path / "blobs")}
    snakefile.write_text("now")
    found, lost = check_out(ran, tmp_path / "blobs", tmp_path / "sources")
    assert (found.read_text(), lost) == ("then", None)
    assert found == tmp_path / "sources" / inside
    assert (tmp_path / "sources/new.py").read_text() == "untracked"
