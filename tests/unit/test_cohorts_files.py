"""Raw files below a folder are those that glob finds, in its order."""

from __future__ import annotations

import os

import pytest

from medsynth.cohorts.files import matching_files
from medsynth.store.quarantine import CohortError

NAMES = ["a.png", "a/b.png", "a-b/c.PNG", "a/.hidden.png", ".d/e.png", "a/b/c/[1].png", "ä/é.gz"]


@pytest.mark.parametrize(
    "pattern",
    ["**/*", "**/*.png", "**/*.[pP]*", "*.png", "a/**/*", "**/b/**/*", "**/b.png", "**/a*/*"],
)
def test_links_hidden_files_and_patterns_are_taken_as_glob_takes_them(tmp_path, pattern):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for file in [*(root / name for name in NAMES), elsewhere / "f.png"]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (root / "folder").symlink_to(elsewhere)
    (root / "link.png").symlink_to(elsewhere / "f.png")
    (root / "broken.png").symlink_to(elsewhere / "none.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    os.mkfifo(root / "pipe.png")
    wanted = sorted(file for file in root.glob(pattern) if file.is_file())
    assert wanted and matching_files(root, pattern) == wanted


def test_no_file_and_no_folder_are_told(tmp_path):
    with pytest.raises(CohortError, match=r"no file matches '\*\*/\*\.png'"):
        matching_files(tmp_path, "**/*.png")
    with pytest.raises(CohortError, match="correct root"):
        matching_files(tmp_path / "none", "**/*")
