"""Reading MAF and segment files: true forms, and mistakes that name the file and the line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from medsynth.cohorts.maf import COLUMNS, TableError, find_files, read_maf
from medsynth.cohorts.segments import read_sample_sheet, read_segments

HEADER = "Hugo_Symbol\tEntrez_Gene_Id\tHGVSp_Short\tVariant_Classification\tTumor_Sample_Barcode"
ROW = "IDH1\t3417\tp.R132H\tMissense_Mutation\tTCGA-AA-0001-01A"
GDC = "GDC_Aliquot\tChromosome\tStart\tEnd\tNum_Probes\tSegment_Mean"
CBIO = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean"


def write(path: Path, *lines: str) -> Path:
    text = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.maf", "a.maf.gz", "a.tsv.gz"])
def test_maf_columns_comments_and_long_cells(tmp_path: Path, name: str) -> None:
    long = f'TP53\t"{"x" * 70_756}\t.\tSplice_Site\tTCGA-AA-0002-01A'
    path = write(tmp_path / name, "#version gdc-1.0.0", "#filedate 2020", HEADER, ROW, long)
    frame = read_maf(path)
    assert frame.columns.tolist() == COLUMNS
    assert frame["Hugo_Symbol"].tolist() == ["IDH1", "TP53"]
    assert frame["HGVSp_Short"].tolist() == ["p.R132H", "."]


def test_maf_without_mutations_is_empty(tmp_path: Path) -> None:
    assert read_maf(write(tmp_path / "a.maf", "#version gdc-1.0.0", HEADER)).empty


def test_maf_without_header_names_columns_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.maf", "#version gdc-1.0.0", ROW)
    with pytest.raises(TableError, match=r"a\.maf: no column Hugo_Symbol.*in line 2"):
        read_maf(path)


@pytest.mark.parametrize("bad", ["TP53\t7157", ROW + "\textra"])
def test_maf_row_with_another_field_count_names_its_line(tmp_path: Path, bad: str) -> None:
    path = write(tmp_path / "a.maf", "#version gdc-1.0.0", "#x", HEADER, ROW, ROW, bad, ROW)
    with pytest.raises(TableError, match=r"a\.maf: line 6 has \d fields, the header 5"):
        read_maf(path)


def test_damaged_gzip_is_named_without_its_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.maf.gz", HEADER, *[f"{ROW}{i}" for i in range(5000)])
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(TableError, match="download the file again") as caught:
        read_maf(path)
    assert "TCGA-AA" not in str(caught.value)
    path.write_bytes(b"no gzip")
    with pytest.raises(TableError, match="cannot be read"):
        read_maf(path)


def test_segments_of_both_forms_are_equal_and_tumour_only(tmp_path: Path) -> None:
    gdc = write(
        tmp_path / "gdc.seg.txt",
        GDC,
        "TCGA-AA-0001-01A-11D\tchr1\t100\t900\t9\t-0.5",
        "TCGA-AA-0001-01A-11D\tchrX\t100\t900\t9\t0.25",
        "TCGA-AA-0001-10A-11D\tchr1\t100\t900\t9\t0",
        "TCGA-AA-0002-14A-11D\tchr1\t100\t900\t9\t0",
    )
    cbio = write(
        tmp_path / "cbio.seg",
        CBIO,
        "TCGA-AA-0001-01A-11D\t1\t100\t900\t9\t-0.5",
        "TCGA-AA-0001-01A-11D\t23\t100\t900\t9\t0.25",
        "TCGA-AA-0001-11\t1\t100\t900\t9\t0",
    )
    first, second = read_segments(gdc, "hg38"), read_segments(cbio, "hg38")
    assert first.equals(second)
    assert first["chrom"].tolist() == ["1", "X"]
    assert first["mean"].tolist() == [-0.5, 0.25]


def test_segments_of_a_uuid_need_the_sample_sheet(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.grch38.seg.v2.txt",
        GDC,
        "2e7f0d4c-0a3b-4c86-a65f-000000000001\t1\t100\t900\t9\t-0.5",
    )
    with pytest.raises(TableError, match="sample sheet"):
        read_segments(path, "hg38")
    sheet = write(
        tmp_path / "gdc_sample_sheet.2024-01-01.tsv",
        "File ID\tFile Name\tSample ID",
        f"id\t{path.name}\tTCGA-AA-0001-01A",
    )
    found = read_segments(path, "hg38", read_sample_sheet(sheet))
    assert found["sample"].tolist() == ["TCGA-AA-0001-01A"]


@pytest.mark.parametrize(
    ("build", "row"),
    [
        ("hg38", "TCGA-AA-0001-01\t19\t1\t59000000\t9\t0"),
        ("hg19", "TCGA-AA-0001-01\t17\t1\t83000000\t9\t0"),
    ],
)
def test_segments_of_another_build_are_refused(tmp_path: Path, build: str, row: str) -> None:
    with pytest.raises(TableError, match=f"of {build}"):
        read_segments(write(tmp_path / "a.seg", CBIO, row), build)


def test_a_value_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg", CBIO, "TCGA-AA-0001-01\t1\t1\tend\t9\t0")
    with pytest.raises(TableError, match=r"a\.seg: cannot be read"):
        read_segments(path, "hg19")


def test_folders_are_searched_in_order_and_empty_ones_refused(tmp_path: Path) -> None:
    for name in ["b/2.maf.gz", "a/1.maf.gz", "a/notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in find_files([tmp_path], ["*.maf.gz"])] == ["1.maf.gz", "2.maf.gz"]
    with pytest.raises(TableError, match="no file named"):
        list(find_files([tmp_path], ["*.seg"]))
