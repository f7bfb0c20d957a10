"""Whatever is wrong with raw data, the log says what, and names neither a found file nor a cell."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtConvert, CtIndex
from medsynth.cohorts.ct.shard import shard as convert_ct
from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.reports import read_reports
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing, CxrRead
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import SlideIndex
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.fetch.batch import fetch_all
from medsynth.fetch.connection import UnusableFile
from medsynth.fetch.downloads import Wanted
from medsynth.genomics.glioma import call_genotypes
from medsynth.genomics.settings import Genotypes
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.lineage.erasure.words import Words
from medsynth.lineage.recording.masking import MaskingFilter
from medsynth.runtime.logs import WITHHELD, configure_logging
from medsynth.store.manifests import manifest
from medsynth.store.privacy import raw_names
from medsynth.store.quarantine import UnusableImage, log_unused
from medsynth.store.tables.header import missing_columns
from tests.unit.ct_files import write_slice
from tests.unit.cxr_files import mimic
from tests.unit.test_genotypes_tables import GDC, HEADER, ROW, write

CASE, PERSON, DAY = "TCGA-ZZ-9999", "Mustermann", "19561224"
PLANTED = Words([CASE, "ZZ-9999", PERSON, DAY, "p19561224"], loose=True)
VIEW = {"kind": "view"}
CONFIGURED = ["labels.csv", "study.maf", "clinical.tsv", "reports.zip", "tables"]
CONFIGURED += [f"mimic-cxr-2.0.0-{name}.csv" for name in ("metadata", "split", "chexpert")]
TILES = SlideTiles(image_size=16, mpp=1.0, assume_mpp=1.0, min_tissue=0)


def labels(folder: Path, text: str) -> dict[str, str]:
    path = folder / "labels.csv"
    path.write_text(text)
    return {"kind": "table", "path": str(path), "key": "image", "value": "contrast"}


def headerless_labels(raw: Path) -> None:
    write_slice(raw / "a.dcm", "1.1")
    table = labels(raw, f"{PERSON},{DAY},yes\nb,{DAY},no\n")
    index_ct(raw, CtIndex(label=table, shards=1))


def labels_with_rows_of_two_lengths(raw: Path) -> None:
    write_slice(raw / "a.dcm", "1.1")
    index_ct(raw, CtIndex(label=labels(raw, f"image,contrast\n{PERSON},{DAY},{CASE}\n")))


def labels_of_unknown_words(raw: Path) -> None:
    write_slice(raw / "a.dcm", "1.1")
    index_ct(raw, CtIndex(label=labels(raw, f"image,contrast\na,{PERSON}\n")))


def labels_that_are_names(raw: Path) -> None:
    """Eight of them, each a class."""
    rows = [{"item_id": f"{k}", "patient": f"{k}"} for k in range(8)]
    rows = [row | {"label": f"{PERSON} {k}", "status": "used"} for k, row in enumerate(rows)]
    index, splits = manifest(rows), ["train"] * 7 + ["test"]
    splits = pd.DataFrame({"patient": index["patient"], "split": splits})
    assemble(index, [index.assign(row=0, shard=0)], splits, None, name_classes=False)


def one_unknown_word_of_several(raw: Path) -> pd.DataFrame:
    write_slice(raw / "a.dcm", "1.1")
    write_slice(raw / f"{CASE}.dcm", "1.2", ImagePositionPatient=[0, 0, 45])
    table = labels(raw, f"image,contrast\na,yes\n{CASE},{PERSON}\n")
    return index_ct(raw, CtIndex(label=table, shards=1))


def damaged_dicom(raw: Path) -> pd.DataFrame:
    """A header that breaks off, and values that pydicom warns of, and quotes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strange = {"PatientName": PERSON * 9, "PatientBirthDate": f"{DAY}-{PERSON}"}
        write_slice(raw / f"{PERSON}.dcm", "1.1", **strange)
    data = (raw / f"{PERSON}.dcm").read_bytes()
    (raw / f"p{DAY}.dcm").write_bytes(data[: len(data) // 2])
    (raw / f"{CASE}, {PERSON}.dcm").write_bytes(b"junk")
    index = index_ct(raw, CtIndex(label={"kind": "tags"}, shards=1))
    items = convert_ct(index, raw, CtConvert(image_size=8), raw.parent / "0.h5", {})
    return pd.concat([index[index["status"] != "used"], items])


def damaged_nifti(raw: Path) -> pd.DataFrame:
    write_slice(raw / "a.dcm", "1.1")
    (raw / f"{CASE}.nii").write_bytes(b"\x5c\x01\0\0" + PERSON.encode() * 99)
    (raw / f"{CASE}.nii.gz").write_bytes(b"\x1f\x8b" + PERSON.encode())
    return index_ct(raw, CtIndex(label={"kind": "tags"}, shards=1, pattern="**/*"))


def vanished_and_changed_radiographs(raw: Path) -> pd.DataFrame:
    files = mimic(raw, 4)
    table = raw / "mimic-cxr-2.0.0-metadata.csv"
    table.write_text(table.read_text().replace("i0,10", f"{PERSON},{DAY}"))
    place = raw / "files" / f"p{DAY[:2]}" / f"p{DAY}" / "s5" / f"{PERSON}.dcm"
    place.parent.mkdir(parents=True)
    files[0].rename(place)
    index = index_mimic_cxr(raw, CxrIndexing(label=VIEW, shards=1))
    place.unlink()
    files[1].write_bytes(b"other")
    return shard_mimic_cxr(index, raw, CxrRead(image_size=8), raw.parent / "0.h5", {})


def a_wrong_split(raw: Path) -> None:
    mimic(raw, 2)
    split = raw / "mimic-cxr-2.0.0-split.csv"
    split.write_text(f"dicom_id,subject_id,study_id,split\ni0,10,5,{PERSON}\ni1,11,5,test\n")
    index_mimic_cxr(raw, CxrIndexing(label=VIEW))


def metadata_without_a_header(raw: Path) -> None:
    mimic(raw, 2)
    (raw / "mimic-cxr-2.0.0-metadata.csv").write_text(f"{PERSON},{DAY},{CASE},AP\n")
    index_mimic_cxr(raw, CxrIndexing(label=VIEW))


def strange_findings(raw: Path) -> None:
    mimic(raw, 2)
    table = raw / "mimic-cxr-2.0.0-chexpert.csv"
    table.write_text(f"subject_id,study_id,Edema,Fracture\n10,5,{PERSON},1\n")
    finding = {"kind": "finding", "findings": ["Edema", "Fracture"]}
    index_mimic_cxr(raw, CxrIndexing(label=finding))


def damaged_slides(raw: Path) -> pd.DataFrame:
    for name, data in (
        (f"{CASE}-01Z-00-DX1.svs", b"II*\0" + PERSON.encode() * 9),
        (f"{CASE}-01Z-00-DX2.png", b"\x89PNG\r\n\x1a\n" + PERSON.encode()),
        (f"{CASE}-01Z-00-DX3.svs", b""),
        (f"{PERSON}.svs", b"x"),
    ):
        (raw / name).write_bytes(data)
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(raw / f"{CASE}-01Z-00-DX4.tif", description=PERSON)
    index = index_slides(raw, SlideIndex(label={"kind": "genotype"}, shards=1))
    (raw / f"{CASE}-01Z-00-DX4.tif").unlink()
    items = tile_slides(index, raw, TILES, raw.parent / "0.h5", {})
    return pd.concat([index[index["status"] != "used"], items])


def genotype_tables(raw: Path) -> pd.DataFrame:
    folder = raw / "tables"
    (folder / CASE).mkdir(parents=True)
    write(folder / CASE / f"{CASE}.maf.gz", HEADER, f"IDH1\t{PERSON}")
    write(folder / CASE / f"{CASE}.maf", *([f"{PERSON}\t{CASE}"] * 3))
    (folder / CASE / f"{PERSON}.maf.gz").write_bytes(b"\x1f\x8b" + CASE.encode())
    write(folder / "a.maf", HEADER, ROW, ROW.replace("TCGA-AA-0001", PERSON))
    write(folder / f"{CASE}.seg", GDC, f"{CASE}-01A\tchr1\t{PERSON}\t9\t9\t0")
    write(folder / "b.seg", GDC, "TCGA-AA-0001-01A\tchr1\t1\t9\t9\t0")
    settings = Genotypes(maf=[folder], segments=[folder])
    return call_genotypes(settings)[1]


def a_damaged_table_that_is_configured(raw: Path) -> None:
    maf = write(raw / "study.maf", HEADER, f"IDH1\t{PERSON}")
    call_genotypes(Genotypes(maf=[maf], segments=[maf]))


def a_damaged_sample_sheet(raw: Path) -> None:
    (raw / CASE).mkdir()
    write(raw / CASE / f"gdc_sample_sheet_{CASE}.tsv", f"{PERSON}\t{CASE}")
    write(raw / "a.maf", HEADER, ROW)
    call_genotypes(Genotypes(maf=[raw], segments=[raw / "a.maf"]))


def clinical_rows(raw: Path) -> None:
    path = write(raw / "clinical.tsv", "case\tidh", f"{PERSON}\t{DAY}", f"{CASE}\t{PERSON}")
    call_genotypes(Genotypes(clinical=path))


def reports_in_an_archive(raw: Path) -> None:
    """Encrypted, as the flag of its local and its central header says."""
    archive = raw / "reports.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"files/p{DAY[:2]}/p{DAY}/s5.txt", PERSON)
    data = bytearray(archive.read_bytes())
    for head, flag in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(head) + flag] |= 1
    archive.write_bytes(bytes(data))
    rows = manifest([{"item_id": "x", "patient": DAY, "group": "5"}])
    read_reports(rows, archive, {})


def a_download(raw: Path) -> None:
    def one(item: Wanted) -> list:
        if DAY in item.path:
            raise UnusableFile("not_found")
        raise FileNotFoundError(2, "gone", f"{raw}/{item.path}")

    wanted = [Wanted(f"files/p{DAY}/{CASE}.dcm", ""), Wanted(f"{PERSON}.dcm", "")]
    fetch_all(wanted, one, listing=raw / "listing.tsv", threads=1, max_quarantined=1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (headerless_labels, ["{raw}/labels.csv", "no column image, contrast", "among the 3 of"]),
        (labels_with_rows_of_two_lengths, ["{raw}/labels.csv", "more fields than its header"]),
        (labels_of_unknown_words, ["{raw}/labels.csv", "'contrast'", "yes or no"]),
        (labels_that_are_names, ["each of the 8", "index.label.value"]),
        (one_unknown_word_of_several, ["unknown_phase"]),
        (damaged_dicom, ["no_patient", "not_dicom"]),
        (damaged_nifti, ["not_nifti"]),
        (vanished_and_changed_radiographs, ["missing_file", "changed_since_index"]),
        (a_wrong_split, ["{raw}/mimic-cxr-2.0.0-split.csv", "train, validate, test"]),
        (metadata_without_a_header, ["metadata.csv", "no column subject_id", "among the 4 of"]),
        (strange_findings, ["chexpert.csv", "Edema", "1, 0, -1"]),
        (damaged_slides, ["cannot_open", "no_barcode", "missing_file"]),
        (genotype_tables, ["1 items of maf not used: ragged", "first file 1 of 4 in {raw}/tables"]),
        (a_damaged_table_that_is_configured, ["{raw}/study.maf: line 2 has 2 fields"]),
        (a_damaged_sample_sheet, ["gdc_sample_sheet*.tsv", "{raw}", "no column File Name"]),
        (clinical_rows, ["{raw}/clinical.tsv", "1 unknown_value in idh"]),
        (reports_in_an_archive, ["{raw}/reports.zip", "RuntimeError"]),
        (a_download, ["the archive does not have it", "cannot be read or written"]),
    ],
    ids=lambda value: getattr(getattr(value, "func", value), "__name__", ""),
)
def test_a_fault_is_told_and_nobody_is_named(tmp_path, monkeypatch, capfd, fault, said):
    raw = tmp_path / "raw"
    raw.mkdir()
    configured = [raw, *(raw / name for name in CONFIGURED)]
    text, found = logged(tmp_path, monkeypatch, partial(fault, raw), configured)
    assert not PLANTED.named(text + "".join(capfd.readouterr())), text
    assert [word for word in said if word.format(raw=raw) not in text] == [], text
    if found is not None:  # where one looks a file up
        assert PLANTED.named(" ".join(found[["source", "detail"]].fillna("").to_numpy().ravel()))


@pytest.mark.parametrize(
    ("expected", "header", "near"),
    [
        ("study_id", ["StudyID", "dicom_id"], "StudyID"),
        ("label", ["image", "Labels"], "Labels"),
        ("image2", ["image 2", "image 3"], "image 2"),
        ("image", ["image_7.png", "yes"], None),  # a row
        ("patient_id", ["Patience Doe", "10000032"], None),
        ("contrast", [CASE, PERSON], None),
    ],
)
def test_of_a_first_line_only_nearly_right_words_are_quoted(expected, header, near):
    said = missing_columns([expected], header)
    assert expected in said and {word for word in header if word in said} == {near} - {None}


def logged(
    folder: Path, monkeypatch, call: Callable[[], pd.DataFrame | None], raw: Iterable[Path]
) -> tuple[str, pd.DataFrame | None]:
    """What a job's log says when it calls that, and what came of it."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv(raw_names.VARIABLE, "")  # to be taken back
    raw_names.declare(raw, shown=[])
    log, found = folder / "job.log", None
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        with configure_logging(log, reads_patients=True):
            found = call()
            if found is not None and "status" in found:
                log_unused(found)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = before
    return log.read_text(), found


# --- what nobody foresaw ----------------------------------------------------------------------


def a_warning() -> None:
    warnings.warn(f"strange value {PERSON} in {CASE}", UserWarning, stacklevel=1)


def a_message() -> None:
    logging.getLogger("library.reader").error("%s is broken", CASE)


def a_key_error() -> None:
    {}[CASE]


def a_chain_of_errors() -> None:
    try:
        try:
            float(PERSON)
        except ValueError as error:
            raise OSError(28, f"no room for {PERSON}", f"/raw/{CASE}") from error
    except OSError:
        raise UnusableImage("not_dicom", PERSON)  # noqa: B904


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (a_warning, [": UserWarning: ", WITHHELD]),
        (a_message, ["ERROR library.reader: ", WITHHELD]),
        (a_key_error, ["in a_key_error", "KeyError: ", WITHHELD]),
        (
            a_chain_of_errors,
            ["ValueError: ", "OSError: [Errno 28] No space left on device", "UnusableImage: the b"],
        ),
    ],
)
@pytest.mark.filterwarnings("always:strange value")
def test_of_what_libraries_say_only_kind_and_place_are_told(tmp_path, monkeypatch, call, said):
    text, _ = logged(tmp_path, monkeypatch, call, [])
    assert not PLANTED.named(text) and [word for word in said if word not in text] == [], text


def test_the_terminal_shows_nothing_and_the_log_an_error_once_and_masked(tmp_path):
    program = (
        "from medsynth.runtime.logs import configure_logging\n"
        f"with configure_logging({str(tmp_path / 'job.log')!r}, reads_patients=True):\n"
        f"    {{}}[{CASE[:6]!r} + {CASE[6:]!r}]\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    text = (tmp_path / "job.log").read_text()
    assert done.returncode == 1 and done.stderr == "" and text.count("KeyError") == 1
    assert not PLANTED.named(text + (tmp_path / "job.log.run.json").read_text())


# --- names below raw paths --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("'/data/p1/Müller, H.dcm': bad", "'/data/***': bad"),
        (r"b'/data/it\'s.dcm' is bad", "b'/data/***' is bad"),
        ("/data/p1 Müller.dcm: bad\nnext", "/data/***\nnext"),
        ("PosixPath('raw/ct/p1')", "PosixPath('raw/ct/***')"),
        ("file:///data/p1", "file:///data/***"),
        ("/data and '/data/' and (/data).", "/data and '/data/***' and (/data)."),
        ("/data/labels.csv: no column", "/data/labels.csv: no column"),
        ("/data/labels.csv.bak", "/data/***"),
        ("/data/study/results/logs/a.log", "/data/study/results/logs/a.log"),
        ("'/data/study/results/demo/ct/p1'", "'/data/study/results/demo/ct/***'"),
        ("/database/p1 /mnt/data/p1 raw/ctp other/raw/ct/p1",) * 2,
        ("'/link/p1'", "'/link/***'"),
    ],
)
def test_what_follows_a_raw_path_is_hidden(tmp_path, monkeypatch, said, kept):
    monkeypatch.setenv(raw_names.VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    raw = ["/data", "/data/labels.csv", "raw/ct", "/data/study/results/demo/ct", tmp_path / "link"]
    raw_names.declare(map(Path, raw), shown=[Path("/data/study/results")])
    said, kept = (text.replace("/link", f"{tmp_path}/link") for text in (said, kept))
    assert raw_names.without_raw_names(said) == kept
    absolute, resolved = f"'{tmp_path}/raw/ct/p1'", f"'{tmp_path}/elsewhere/p1'"
    assert "p1" not in raw_names.without_raw_names(f"{absolute} {resolved}")
    record = logging.makeLogRecord({"msg": said})
    assert MaskingFilter().filter(record) and record.msg == kept


def test_so_many_raw_paths_that_no_variable_holds_them_are_hidden_too(tmp_path, monkeypatch):
    monkeypatch.setenv(raw_names.VARIABLE, "")
    files = [tmp_path / f"{k:04d}-{'x' * 200}.maf" for k in range(400)]
    for file in files:
        file.touch()
    raw_names.declare([tmp_path, *files], shown=[])
    assert len(os.environ[raw_names.VARIABLE]) < raw_names.LONGEST
    assert raw_names.without_raw_names(f"'{files[0]}'") == f"'{tmp_path}/***'"
