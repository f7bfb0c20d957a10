"""Reading MAF and segment files: true forms, and mistakes that name the file and the line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from medsynth.genomics.barcodes import read_sample_sheet
from medsynth.genomics.glioma import call_genotypes
from medsynth.genomics.mutations.maf import read_maf
from medsynth.genomics.panels import covers_idh
from medsynth.genomics.segments import read_segments
from medsynth.genomics.settings import Genotypes
from medsynth.store.tables import tsv
from medsynth.store.tables.header import TableError
from medsynth.store.tables.tsv import find_files
from medsynth.store.wording import REASONS

HEADER = "Hugo_Symbol\tEntrez_Gene_Id\tHGVSp_Short\tVariant_Classification\tTumor_Sample_Barcode"
ROW = "IDH1\t3417\tp.R132H\tMissense_Mutation\tTCGA-AA-0001-01A"
GDC = "GDC_Aliquot\tChromosome\tStart\tEnd\tNum_Probes\tSegment_Mean"
CBIO = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean"


def write(path: Path, *lines: str) -> Path:
    text = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.maf", "a.maf.gz", "a.tsv.gz"])
@pytest.mark.parametrize(("bom", "end"), [("", ""), ("\ufeff", ""), ("", "\r"), ("\ufeff", "\r")])
def test_maf_columns_comments_and_long_cells(tmp_path: Path, name: str, bom: str, end: str) -> None:
    long = f'IDH2\t"{"x" * 70_756}\t.\tSplice_Site\tTCGA-AA-0002-01A'
    other = "TP53\t7157\tp.R248W\tMissense_Mutation\tTCGA-AA-0003-01A"
    lines = [bom + "#version gdc-1.0.0", "#filedate 2020", HEADER, ROW, long, other]
    mutations, samples = read_maf(write(tmp_path / name, *(line + end for line in lines)))
    assert mutations["variant"].tolist()[:1] == ["IDH1 p.R132H"]
    assert mutations["unclear"].notna().tolist() == [False, True]  # neither place nor change
    assert samples == {f"TCGA-AA-000{n}-01A" for n in (1, 2, 3)}


def test_maf_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsv, "BLOCK", 1 << 12)
    rows = [ROW.replace("0001", f"{n:04d}") for n in range(1000)]
    path = write(tmp_path / "a.maf.gz", "#version 2.4", HEADER, *rows)
    columns = HEADER.split("\t")
    types = dict.fromkeys(columns, tsv.pa.string())
    assert max(b.num_rows for b in tsv.read_batches(path, columns, types)) < 100
    mutations, samples = read_maf(path)
    assert len(mutations) == len(samples) == 1000
    write(path, "#version 2.4", HEADER, *rows, "TP53\t7157")
    with pytest.raises(TableError, match="line 1003 has 2 fields"):
        read_maf(path)


def test_maf_without_mutations_is_empty(tmp_path: Path) -> None:
    mutations, samples = read_maf(write(tmp_path / "a.maf", "#version gdc-1.0.0", HEADER))
    assert mutations.empty and not samples


@pytest.mark.parametrize("name", ["a.maf", "a.maf.gz"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_bytes_say_whether_a_file_is_packed(tmp_path: Path, name: str, packed: bool) -> None:
    text = f"{HEADER}\n{ROW}\n".encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if packed else text)
    assert read_maf(tmp_path / name)[0]["variant"].tolist() == ["IDH1 p.R132H"]


def test_empty_packed_files_joined_to_one_are_read_whole(tmp_path: Path) -> None:
    rows = [HEADER, ROW, ROW.replace("0001", "0002")]
    path = tmp_path / "a.maf.gz"  # as bgzip writes
    path.write_bytes(b"".join(gzip.compress(f"{row}\n".encode()) for row in rows))
    assert len(read_maf(path)[0]) == 2


def test_quotes_around_all_cells_are_none_of_theirs(tmp_path: Path) -> None:
    lines = ["\t".join(f'"{cell}"' for cell in line.split("\t")) for line in (HEADER, ROW)]
    found, samples = read_maf(write(tmp_path / "a.maf", *lines))
    assert found["variant"].tolist() == ["IDH1 p.R132H"] and samples == {"TCGA-AA-0001-01A"}


@pytest.mark.parametrize("name", ["a.maf", "a.maf.gz"])
def test_empty_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(TableError, match=f"{name}: no header line"):
        read_maf(tmp_path / name)


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
    path.write_bytes(b"\x1f\x8bno gzip")
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
    first, second = read_segments(gdc, "hg38")[0], read_segments(cbio, "hg38")[0]
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
    found = read_segments(path, "hg38", read_sample_sheet(sheet))[0]
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


def test_scientific_positions_other_chromosome_names_and_gaps(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.seg",
        CBIO,
        "tcga-aa-0001-01\tCHR1\t1e+05\t2.5e+07\t9\t-0.5",
        "TCGA-AA-0001-01\tchrx\t100\t900\t9\t0.5",
        "TCGA-AA-0001-01\t24\t100\t900\t9\t0.5",
        "TCGA-AA-0001-01\t1\t100\t900\t9\tNA",
        "TCGA-AA-0001-01\t1\t900\t900\t1\t0.5",
    )
    frame = read_segments(path, "hg19")[0]
    assert frame["chrom"].tolist() == ["1", "X", "Y"]
    assert frame.loc[0, ["sample", "start", "end"]].tolist() == ["TCGA-AA-0001-01", 1e5, 2.5e7]


def test_samples_without_a_barcode_are_told_and_the_others_used(tmp_path: Path) -> None:
    rows = [
        "TCGA-AA-0001-01\t1\t1\t9\t9\t-0.5",
        "GLSS-1\t1\t1\t9\t9\t0",
        "tcga.aa.0002.01\t1\t1\t9\t9\t0",
    ]
    found, unnamed = read_segments(write(tmp_path / "a.seg", CBIO, *rows), "hg19")
    assert found["sample"].tolist() == ["TCGA-AA-0001-01", "TCGA-AA-0002-01"]
    assert unnamed == ["GLSS-1"]
    maf = write(tmp_path / "a.maf", HEADER, ROW)
    settings = Genotypes(maf=[maf], segments=[tmp_path / "a.seg"], build="hg19")
    _, quarantine, _ = call_genotypes(settings)
    assert quarantine["reason"].tolist() == ["no_sample_barcode"]


def test_copies_in_place_of_log_ratios_are_refused(tmp_path: Path) -> None:
    rows = [f"TCGA-AA-0001-01\t{c}\t1\t9000\t9\t{n}" for c, n in ((1, 1), (2, 2), (3, 2.1))]
    with pytest.raises(TableError, match="seg.mean looks like copies") as caught:
        read_segments(write(tmp_path / "a.seg", CBIO, *rows), "hg19")
    assert caught.value.reason in REASONS
    copies = CBIO.split("\t")
    header = "\t".join(["Sample", "Chromosome", "Start", "End", copies[4], "Copy_Number"])
    found, _ = read_segments(write(tmp_path / "b.seg", header, *rows), "hg19")
    assert found["mean"].round(2).tolist() == [-1, 0, 0.07]


def test_allelic_copies_become_log_ratios_and_old_headers_are_known(tmp_path: Path) -> None:
    allelic = write(
        tmp_path / "a.ascat2.allelic_specific.seg.txt",
        "GDC_Aliquot\tChromosome\tStart\tEnd\tCopy_Number\tMajor_Copy_Number\tMinor_Copy_Number",
        *[f"TCGA-AA-0001-01A\tchr1\t{n}\t{n + 1}\t{n}\t{n}\t0" for n in (0, 1, 2, 4)],
    )
    assert read_segments(allelic, "hg38")[0]["mean"].tolist() == [np.log2(0.125), -1, 0, 1]
    old = write(
        tmp_path / "b.hg19.seg.txt",
        "Sample\tChromosome\tStart\tEnd\tNum_Probes\tSegment_Mean",
        "TCGA-AA-0001-01A-11D\t1\t100\t900\t9\t-0.5",
    )
    assert read_segments(old, "hg19")[0]["mean"].tolist() == [-0.5]


def test_sample_sheet_names_the_tumour_of_a_pair(tmp_path: Path) -> None:
    sheet = write(
        tmp_path / "gdc_sample_sheet.tsv",
        "File ID\tFile Name\tSample ID",
        "1\ta.maf.gz\tTCGA-AA-0001-10A, TCGA-AA-0001-01A",
        "2\tb.maf.gz\tTCGA-AA-0002-02A",
        "3\tc.seg.txt\tTCGA-AA-0003-11A",
    )
    assert read_sample_sheet(sheet) == {
        "a.maf": "TCGA-AA-0001-01A",
        "b.maf": "TCGA-AA-0002-02A",
        "c.seg.txt": "TCGA-AA-0003-11A",
    }


@pytest.mark.parametrize(
    ("lines", "covered"),
    [
        (["TP53", "IDH1", "idh2"], True),
        (["IDH1", "TP53"], False),
        (["stable_id: X", "description: IDH1 IDH2", "gene_list: TP53\tIDH1\tIDH2"], True),
        (["stable_id: X", "gene_list: TP53\tIDH1"], False),
        (["track name=x", "chr2\t208248380\t208248400\tIDH1", "chr15\t90088604\t90088607"], True),
        (["2\t208248380\t208248400", "15\t90088605\t90088607"], False),  # starts are 0-based
        (["chr2\t208248380\t208248400"], False),
        (["chr2 208248380 208248400", "chr15 90088600 90088620"], True),
        (["IDH1,IDH2,TP53"], True),
        (["IDH1; TP53"], False),
        (['"IDH1"', '"IDH2"'], True),
        (["3417", "3418"], True),
        (["IDH1-AS1", "IDH2"], False),
    ],
)
def test_panel_coverage(tmp_path: Path, lines: list[str], covered: bool) -> None:
    assert covers_idh(write(tmp_path / "panel.txt", *lines), "hg38") is covered


def test_coverage_without_a_panel_file(tmp_path: Path) -> None:
    assert covers_idh("exome", "hg19") is True
    assert covers_idh("unknown", "hg19") is None
    with pytest.raises(TableError, match="no gene and no region"):
        covers_idh(write(tmp_path / "panel.bed", "# nothing"), "hg19")


def cart(folder: Path, good: int) -> Genotypes:
    """A GDC cart: good MAF and segment files, one damaged file of each kind, one empty MAF."""
    sheet = ["File Name\tSample ID"]
    for n in range(good):
        write(folder / f"{n}.maf.gz", HEADER, ROW.replace("0001", f"{n:04d}"))
        write(folder / f"{n}.seg.txt", GDC, f"uuid\tchr2\t1\t{9_000_000}\t9\t0")
        sheet.append(f"{n}.seg.txt\tTCGA-AA-{n:04d}-01A")
    write(folder / "bad.maf.gz", HEADER, "IDH1\tp.R132H")
    write(folder / "bad.seg.txt", "GDC_Aliquot\tStart")
    write(folder / "none.maf.gz", "#version", HEADER)
    sheet += ["bad.maf.gz\tTCGA-AA-9001-01A, TCGA-AA-9001-10A", "bad.seg.txt\tTCGA-AA-0000-01A"]
    sheet += ["none.maf.gz\tTCGA-AA-9002-01A"]
    write(folder / "gdc_sample_sheet.tsv", *sheet)
    return Genotypes(maf=[folder], segments=[folder])


def test_damaged_files_are_set_aside_and_their_cases_say_so(tmp_path: Path) -> None:
    calls, quarantine, _ = call_genotypes(cart(tmp_path, good=12))
    assert quarantine[["table", "source", "case", "reason"]].to_numpy().tolist() == [
        ["maf", "bad.maf.gz", "TCGA-AA-9001", "ragged_table"],
        ["segments", "bad.seg.txt", "TCGA-AA-0000", "missing_column"],
    ]
    assert "bad.maf.gz: line 2" in quarantine.loc[0, "detail"]
    calls = calls.set_index("case")
    assert calls.loc["TCGA-AA-9001", "reason"] == "idh_unreadable"
    assert calls.loc["TCGA-AA-9002", "idh"] == "wildtype"  # sequenced, without any mutation
    assert len(calls) == 14


def test_of_a_samples_two_files_the_masked_one_is_used(tmp_path: Path) -> None:
    for name, mean in (("a.grch38.seg.v2.txt", -0.6), ("b.nocnv_grch38.seg.v2.txt", 0.0)):
        places = [
            ("1", 0, 123_400_000, mean),
            ("2", 0, 242_000_000, 0),
            ("19", 0, 58_000_000, mean),
        ]
        rows = [f"TCGA-AA-0001-01A\tchr{c}\t{s}\t{e}\t9\t{m}" for c, s, e, m in places]
        write(tmp_path / name, GDC, *rows)
    write(tmp_path / "a.maf", HEADER, ROW)
    calls, _, _ = call_genotypes(Genotypes(maf=[tmp_path], segments=[tmp_path]))
    assert calls[["loss_1p", "subtype"]].to_numpy().tolist() == [[0.0, "IDH-mutant non-codeleted"]]


def test_damaged_files_are_counted_and_the_first_is_told(tmp_path: Path, caplog) -> None:
    _, quarantine, shares = call_genotypes(cart(tmp_path, good=3))
    assert len(quarantine) == 2
    assert shares == [("maf files", 1, 5), ("segments files", 1, 4)]
    assert re.search(r"1 of 5 maf files not used, first file 4 of 5 in .*: line 2", caplog.text)


def test_tables_of_which_none_can_be_used_stop_the_calls(tmp_path: Path) -> None:
    settings = cart(tmp_path, good=0)
    (tmp_path / "none.maf.gz").unlink()
    with pytest.raises(TableError, match=r"none of 1 maf files can be used; the first: .*line 2"):
        call_genotypes(settings)


def test_files_of_other_samples_are_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "a.maf", HEADER, ROW.replace("TCGA-", "mine-"))
    with pytest.raises(TableError, match="no sample is a TCGA barcode"):
        call_genotypes(Genotypes(maf=[path], segments=[path]))


def test_a_value_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg", CBIO, "TCGA-AA-0001-01\t1\t1\tend\t9\t0")
    with pytest.raises(TableError, match=r"a\.seg: loc\.end is no number in line 2"):
        read_segments(path, "hg19")


def test_folders_are_searched_in_order_and_empty_ones_refused(tmp_path: Path) -> None:
    for name in ["b/2.maf.gz", "a/1.maf.gz", "a/notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in find_files([tmp_path], ["*.maf.gz"])] == ["1.maf.gz", "2.maf.gz"]
    with pytest.raises(TableError, match="no file named"):
        list(find_files([tmp_path], ["*.seg"]))
