"""`medsynth init`: downloads are recognised, and what is written for them is a configuration."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from ct_files import write_slice
from image_files import colours, encoded, levels
from PIL import Image
from slide_files import picture, write_pyramid

from medsynth.cohorts.images.index import index as index_images
from medsynth.commands.main import main
from medsynth.config.loading import load_config
from medsynth.config.mistakes import ConfigError
from medsynth.demo.cases import glioma_cases
from medsynth.demo.ct import write_ct
from medsynth.demo.genomics import write_genomics
from medsynth.demo.radiographs import write_cxr
from medsynth.store.manifests import USED
from medsynth.survey import machine
from medsynth.survey.genomics import find as find_tables
from medsynth.survey.tree import walk

FILE = "my.yaml"


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder without GPUs: exit status, what is said, settings."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def init(*folders: Path) -> tuple[int, str, dict]:
        code = main(["init", *map(str, folders), "--out", FILE])
        said = capsys.readouterr()
        text = Path(FILE).read_text() if Path(FILE).exists() else "{}"
        return code, said.out + said.err, yaml.safe_load(text)

    return init


def pictures(folder: Path, names: list[str], rgb: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        image = colours(80, 96) if rgb else levels(80, 96)
        image[:8] = number  # the same bytes would be a copy
        (folder / name).write_bytes(encoded(image))


def table(target: Path, **columns) -> None:
    pd.DataFrame(columns).to_csv(target, index=False)


def test_radiographs_with_findings_are_labelled_by_the_most_frequent(tmp_path, init):
    write_cxr(tmp_path / "cxr", 30, 7)
    code, said, settings = init(tmp_path / "cxr")
    cohort = settings["cohorts"]["mimic_cxr"]
    assert code == 0
    assert cohort["root"] == str(tmp_path / "cxr")
    assert cohort["index"]["label"]["kind"] == "finding"
    assert cohort["index"]["label"]["findings"][0] == "No Finding"
    assert "DICOM files of 29 patients" in said  # of the thirtieth the file is missing
    assert "1 of 47 images in the metadata table are of these views and not on this disk" in said
    assert "max_quarantined" not in settings
    load_config(settings, [FILE])


def test_without_findings_the_view_is_the_class_and_tables_may_lie_apart(tmp_path, init):
    write_cxr(tmp_path / "cxr", 12, 7)
    tables = tmp_path / "tables"
    tables.mkdir()
    for file in (tmp_path / "cxr").glob("mimic-cxr-2.0.0-*"):
        file.rename(tables / file.name)
    for file in tables.glob("*chexpert*"):
        file.unlink()
    code, _, settings = init(tmp_path / "cxr", tables)
    cohort = settings["cohorts"]["mimic_cxr"]
    assert code == 0
    assert cohort["index"]["label"] == {"kind": "view"}
    assert cohort["tables"] == str(tables)
    assert "the view, for want of a table of findings" in Path(FILE).read_text()


def test_a_part_of_the_radiographs_raises_what_may_be_missing(tmp_path, init):
    write_cxr(tmp_path / "cxr", 12, 7)
    for folder in sorted((tmp_path / "cxr" / "files").glob("p*/p*"))[::2]:
        shutil.rmtree(folder)
    code, said, settings = init(tmp_path / "cxr")
    assert code == 0
    assert "not on this disk" in said
    assert 0.3 < settings["max_quarantined"] < 0.8
    assert "raised from 0.1" in Path(FILE).read_text()


def test_radiographs_without_any_table_are_not_configured(tmp_path, init):
    write_cxr(tmp_path / "cxr", 3, 7)
    for file in (tmp_path / "cxr").glob("mimic-cxr-2.0.0-*"):
        file.unlink()
    code, said, _ = init(tmp_path / "cxr")
    assert code == 2
    assert "mimic-cxr-2.0.0-metadata.csv.gz is not here" in said
    assert not Path(FILE).exists()


def test_slides_with_genomic_tables_get_genotypes_of_the_build_of_the_segments(tmp_path, init):
    (tmp_path / "slides").mkdir()
    for case in glioma_cases(3):
        path = tmp_path / "slides" / f"{case.barcode}-01Z-00-DX1.tif"
        write_pyramid(path, picture(), 0.5)
    write_genomics(tmp_path / "tables", 6, 7)
    code, said, settings = init(tmp_path / "slides", tmp_path / "tables")
    cohort = settings["cohorts"]["slides"]
    assert code == 0
    assert cohort["index"]["label"] == {"kind": "genotype"}
    assert cohort["genotypes"]["build"] == "hg38"
    assert "segments end where the chromosomes of hg38 do" in Path(FILE).read_text()
    assert cohort["genotypes"]["clinical"] == str(tmp_path / "tables" / "clinical.tsv")
    assert "assume_mpp" not in cohort["tiles"]
    assert "a clinical table with IDH or 1p/19q: 6 cases, 3 of them with a slide here" in said


@pytest.mark.parametrize(
    ("end", "build"), [(249_000_000, "hg19"), (248_000_000, None)], ids=["beyond hg38", "in both"]
)
def test_the_build_is_told_by_ends_that_only_one_has(tmp_path, end, build):
    lines = [
        "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean",
        f"TCGA-AA-0001-01\t1\t1\t{end}\t9\t0",
    ]
    (tmp_path / "a.seg").write_text("\n".join(lines))
    found = find_tables([walk(tmp_path)], set())
    assert found.build == build
    assert found.measured == {"TCGA-AA-0001"}


def test_slides_without_resolution_get_a_guess_that_says_so_and_small_classes_are_left_out(
    tmp_path, init
):
    names = [f"TCGA-AA-000{k}-01Z-00-DX1" for k in range(8)]
    pictures(tmp_path / "he", [f"{name}.png" for name in names], rgb=True)
    table(tmp_path / "he" / "projects.csv", slide=names, project=[*"AAABBB", "C", "C"])
    code, said, settings = init(tmp_path / "he")
    cohort = settings["cohorts"]["slides"]
    assert code == 0
    assert cohort["tiles"]["assume_mpp"] == 0.25
    assert "# a guess: 8 of 8 slides opened state no resolution" in Path(FILE).read_text()
    assert cohort["index"]["label"]["keep"] == ["A", "B"]
    assert "left out, below 3 patients: C (2)" in said


def test_pictures_called_after_a_bare_case_are_no_slides(tmp_path, init):
    names = [f"TCGA_AA_000{k // 2}_{k}.png" for k in range(12)]
    pictures(tmp_path / "mri", names)
    people = [name[:12] for name in names]
    described = {"file": names, "patient": people, "label": [*"aaaaaabbbbbb"]}
    table(tmp_path / "mri" / "slices.csv", **described)
    code, said, settings = init(tmp_path / "mri")
    assert code == 0, said
    assert list(settings["cohorts"]) == ["images"]


def test_ct_series_are_labelled_by_a_table_that_says_both_phases(tmp_path, init):
    for patient in ("1", "2", "3", "4"):
        write_slice(tmp_path / "ct" / patient / "1.dcm", patient)
    files = sorted(
        f.relative_to(tmp_path / "ct").as_posix() for f in (tmp_path / "ct").rglob("*.dcm")
    )
    phases = ["no" if k < len(files) / 2 else "yes" for k in range(len(files))]
    table(tmp_path / "phases.csv", path=files, contrast=phases)
    code, said, settings = init(tmp_path / "ct", tmp_path / "phases.csv")
    label = settings["cohorts"]["ct"]["index"]["label"]
    assert code == 0
    assert (label["key"], label["value"]) == ("path", "contrast")
    assert "modality of a sample" in said


@pytest.mark.parametrize("whose", ["patient_id", "note"])
def test_volumes_need_a_table_of_phases_that_says_whose_they_are(tmp_path, init, whose):
    names = [f"scan_{k}.nii" for k in range(6)]
    (tmp_path / "ct").mkdir()
    for name in names:
        (tmp_path / "ct" / name).touch()
    described = {"file": names, "contrast": ["yes", "no"] * 3, whose: [*"112233"]}
    table(tmp_path / "ct" / "phases.csv", **described)
    code, said, settings = init(tmp_path / "ct")
    if whose == "patient_id":
        assert code == 0
        assert settings["cohorts"]["ct"]["index"]["pattern"] == "**/*.nii"
        assert "3 without contrast medium, 3 with it (patients)" in said
    else:
        assert code == 2
        assert "no column patient_id in the table of phases" in said


def test_ct_series_without_a_table_are_labelled_by_their_headers(tmp_path, init):
    write_ct(tmp_path / "ct", 2, 7)
    code, _, settings = init(tmp_path / "ct")
    assert code == 0
    assert settings["cohorts"]["ct"]["index"]["label"] == {"kind": "tags"}
    assert settings["experiments"][0]["family"] == "cyclegan"
    load_config(settings, [FILE])


def of_patients(folder: Path, **columns) -> None:
    """Twelve images of six patients of two classes, and one of a third."""
    names = [f"scan_{k}.png" for k in range(13)]
    pictures(folder / "images", names)
    labels = ["ill", "well"] * 6 + ["rare"]
    table(folder / "list.csv", picture=names, diagnosis=labels, **columns)


def test_images_are_described_by_the_columns_that_name_file_patient_and_class(tmp_path, init):
    people = [f"anna_{k // 2}" for k in range(13)]
    of_patients(
        tmp_path / "mine", **{"Subject ID": people, "sex": ["F"] * 13, "note": [*"abcdefghijklm"]}
    )
    code, said, settings = init(tmp_path / "mine")
    index = settings["cohorts"]["images"]["index"]
    assert code == 0
    assert index["columns"] == {
        **{"file": "picture", "patient": "Subject ID", "labels": "diagnosis"},
        "covariates": {"sex": "sex"},
    }
    assert index["keep"] == {"diagnosis": ["ill", "well"]}
    assert "left out, below 3 patients: rare (1)" in said
    assert settings["cohorts"]["images"]["read"] == {"image_size": 32, "channels": "grey"}
    cohort = load_config(settings, [FILE]).cohorts["images"]
    manifest = index_images(cohort.root, cohort.index)
    assert (manifest["status"] == USED).sum() == 12
    assert manifest["patient"].nunique() == 7
    assert "anna" not in said + Path(FILE).read_text()


def test_files_that_the_table_does_not_name_say_nothing_of_the_images(tmp_path, init):
    """Such as masks, which are grey and small."""
    of_patients(tmp_path / "mine", patient=[f"p{k // 2}" for k in range(13)])
    for k in range(13):
        Image.new("RGB", (40, 40)).save(tmp_path / "mine" / "images" / f"scan_{k}.png")
        Image.new("L", (9, 9)).save(tmp_path / "mine" / "images" / f"scan_{k}_mask.png")
    _, _, settings = init(tmp_path / "mine")
    assert settings["cohorts"]["images"]["read"] == {"image_size": 32, "channels": "rgb"}


def test_values_of_a_column_that_only_may_be_the_class_are_not_shown(tmp_path, init):
    names = [f"scan_{k}.png" for k in range(12)]
    pictures(tmp_path / "mine", names)
    described = {"patient": np.arange(12), "who": ["Meier", "Huber"] * 6}
    table(tmp_path / "mine" / "list.csv", file=names, **described)
    code, said, settings = init(tmp_path / "mine")
    assert code == 0
    assert settings["cohorts"]["images"]["index"]["columns"]["labels"] == "who"
    assert "# a guess: 2 different values" in Path(FILE).read_text()
    assert "Meier" not in said + Path(FILE).read_text()


def test_one_class_with_patients_enough_is_said_to_be_too_few(tmp_path, init):
    names = [f"scan_{k}.png" for k in range(12)]
    pictures(tmp_path / "mine", names)
    described = {"patient": np.arange(12), "label": [*"aaaaaaaaaabb"]}
    table(tmp_path / "mine" / "list.csv", file=names, **described)
    code, said, settings = init(tmp_path / "mine")
    assert code == 0
    assert "! fewer than two classes have 3 patients: b (2)" in said
    assert "keep" not in settings["cohorts"]["images"]["index"]


def test_genomic_tables_alone_ask_for_the_slides(tmp_path, init):
    write_genomics(tmp_path / "tables", 3, 7)
    code, said, _ = init(tmp_path / "tables")
    assert code == 2
    assert "but no slides; give the slides' folder, too" in said


def test_without_patients_the_user_is_asked(tmp_path, init):
    of_patients(tmp_path / "mine")
    code, said, settings = init(tmp_path / "mine")
    assert code == 1
    assert "? Whose are the images?" in said
    with pytest.raises(ConfigError, match="nobody says whose the images of"):
        load_config(settings, [FILE])
    answered = Path(FILE).read_text().replace("# one_image_one_patient:", "one_image_one_patient:")
    load_config(yaml.safe_load(answered), [FILE])


def test_a_file_that_is_there_stays_as_it_is(tmp_path, init):
    of_patients(tmp_path / "mine")
    Path(FILE).write_text("mine: 1")
    code, said, settings = init(tmp_path / "mine")
    assert (code, settings) == (2, {"mine": 1})
    assert "is there already and stays as it is" in said


def test_an_unknown_folder_is_told_what_is_known(tmp_path, init):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("nothing to see")
    code, said, _ = init(tmp_path / "notes")
    assert code == 2
    assert "1 files in" in said
    assert "MIMIC-CXR, -JPG" in said
    assert not Path(FILE).exists()


def test_no_more_than_a_sample_of_the_files_is_opened(tmp_path, init):
    """Most of the files are empty: whoever opened them would find no image."""
    names = [f"scan_{k:04}.png" for k in range(600)]
    (tmp_path / "mine").mkdir()
    for name in names:
        (tmp_path / "mine" / name).touch()
    table(
        tmp_path / "mine" / "list.csv", file=names, patient=np.arange(600) // 2, label=[*"ab"] * 300
    )
    script = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, a: event == 'open' and opened.append(str(a[0])))\n"
        "from medsynth.commands.main import main\n"
        "code = main(sys.argv[1:])\n"
        "print(code, sum(name.endswith('.png') for name in opened))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "init", str(tmp_path / "mine"), "--out", FILE],
        capture_output=True,
        text=True,
        check=True,
    )
    code, opened = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stderr
    assert 0 < int(opened) <= 20


def test_a_gpu_makes_the_first_run_larger(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    without = machine.this_machine()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with_two = machine.this_machine()
    assert with_two.image_size > without.image_size
    assert "2 GPU(s)" in with_two.why


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_in_another_encoding_is_named_with_what_to_do(tmp_path, init, encoding):
    names = [f"{k}.png" for k in range(12)]
    pictures(tmp_path / "mine", names)
    rows = [f"{name};p{k};{'größer' if k % 2 else 'klein'}" for k, name in enumerate(names)]
    lines = ["Datei;Patient;Diagnose", *rows]
    (tmp_path / "mine" / "list.csv").write_text("\n".join(lines), encoding)
    (tmp_path / "mine" / "Müller.txt").write_text("Größe", "latin-1")
    code, said, _ = init(tmp_path / "mine")
    said = " ".join(said.split())
    assert code == 2
    assert "list.csv: cannot be read (UnicodeDecodeError); save it as text in UTF-8" in said
    assert "Müller" not in said and "no table" not in said
