"""Sources stand in BibTeX files that are read whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import medsynth
from medsynth.tasks.viewing.citations import sources

ENTRY = """@article{zhu2017,
  author = {Zhu, Jun and Park, Tae},
  title = {The {GAN} of Two},
  journal = {Journal},
  year = {2017},
}
"""


def test_a_source_in_words(tmp_path):
    file = tmp_path / "references.bib"
    file.write_text(
        ENTRY + "\n" + ENTRY.replace("zhu2017", "b").replace("Park, Tae", "P, T and X, Y")
    )
    found = sources(file)
    assert found["zhu2017"].words == "Zhu and Park 2017, The GAN of Two, Journal"
    assert found["b"].words.startswith("Zhu et al. 2017")
    assert found["zhu2017"].bibtex == ENTRY.strip()


@pytest.mark.parametrize(
    "text, said",
    [
        (ENTRY.replace("  year = {2017},\n", ""), "zhu2017 lacks year"),
        ("@article{one, author = {A}, title = {B}, year = 2017}", "one field a line"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path, text, said):
    file = tmp_path / "references.bib"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        sources(file)


def test_every_file_of_the_package_is_read():
    files = list(Path(medsynth.__file__).parent.rglob("*.bib"))
    assert len(files) >= 3 and all(sources(file) for file in files)
