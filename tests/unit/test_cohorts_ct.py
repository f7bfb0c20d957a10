"""CT: labels from headers and tables, positions, conversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ct_files import write_slice
from pydicom.dataset import Dataset

from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtConvert, CtIndex, TagContrast
from medsynth.cohorts.ct.shard import shard as convert_ct
from medsynth.imaging.ct.contrast.phase import header_phase
from medsynth.runtime.settings import TableLabel
from medsynth.store.quarantine import CohortError
from medsynth.store.shards import ImageStore

TAGS = CtIndex(label=TagContrast(kind="tags"), shards=1)


@pytest.mark.parametrize(
    ("agent", "series", "study", "expected"),
    [
        ("ISOVUE", "", "CT CHEST WO IV CONT", "cect"),
        ("", "", "CT CHEST W/ CONTRAST", "cect"),
        ("", "", "CT ABD AND PELVIS WITH IV C", "cect"),
        ("", "", "CT Abd and Pelvis with cont", "cect"),
        ("", "", "CODE_T_CT_ANGIO_ABD_AND_PEL_WITH_I", "cect"),
        ("", "", "CT CHEST   W/CONTRAST", "cect"),
        ("", "", "CT CHEST WITHOUT CONTR", "ct"),
        ("", "", "CT CHEST WO IV CONT", "ct"),
        ("", "", "CT HEAD W/O", "ct"),
        ("NONE", "NON-CONTRAST 2.5MM", "", "ct"),
        ("", "Unenhanced", "CT CHEST WITH CONTRAST", "ct"),
        ("", "ART PHASE WITH CONTRAST", "CT LIVER W/WO CON", "cect"),
        ("", "", "CT ANGIOGRAPHY CHEST W/WO CON", None),
        ("", "", "CT ABD WITH AND WITHOUT CONTRAST", None),
        ("", "LUNG WINDOWS", "CT LUNG BIOPSY", None),
        ("", "CT WITH FUSION", "", None),
        (None, None, None, None),
    ],
)
def test_contrast_from_the_header(agent, series, study, expected):
    ds = Dataset()
    if agent is not None:
        ds.ContrastBolusAgent, ds.SeriesDescription, ds.StudyDescription = agent, series, study
    assert header_phase(ds).label == expected


def test_index_from_headers(tmp_path):
    write_slice(tmp_path / "a.dcm", "1.1")
    write_slice(tmp_path / "b.dcm", "1.1")
    write_slice(tmp_path / "c.dcm", "1.3", SeriesDescription="HELICAL")
    write_slice(tmp_path / "d.dcm", "1.4", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_slice(tmp_path / "e.dcm", "1.5", ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    write_slice(tmp_path / "f.dcm", "1.6", PatientID="")
    write_slice(tmp_path / "g.dcm", "1.7", Modality="MR")
    write_slice(tmp_path / "i.dcm", "1.8", NumberOfFrames=2)
    write_slice(tmp_path / "j.dcm", "1.10")
    write_slice(tmp_path / "k.dcm", "1.11", ImagePositionPatient=[3, 4])
    (tmp_path / "h.dcm").write_bytes(b"junk")
    (tmp_path / "notes.txt").write_text("no slice")
    index = index_ct(tmp_path, TAGS).set_index("source")
    assert index["reason"].dropna().to_dict() == {
        "b.dcm": "duplicate",
        "c.dcm": "no_contrast_label",
        "d.dcm": "localizer",
        "e.dcm": "not_axial",
        "f.dcm": "no_patient",
        "g.dcm": "wrong_modality",
        "h.dcm": "not_dicom",
        "i.dcm": "multi_frame",
        "j.dcm": "same_place",
        "k.dcm": "no_position",
    }
    a = index.loc["a.dcm"]
    assert a[["item_id", "patient", "group", "label", "frame", "z"]].tolist() == [
        "1.1",
        "P1",
        "1.9",
        "cect",
        "1.7",
        40.0,
    ]


def test_position_is_along_the_normal_and_points_to_the_head(tmp_path):
    tilt = np.deg2rad(20)
    row, column = [1, 0, 0], [0, np.cos(tilt), np.sin(tilt)]
    tags = {"ImagePositionPatient": [3, 5, 7]}
    write_slice(tmp_path / "a.dcm", "1.1", ImageOrientationPatient=[*row, *column], **tags)
    flipped = [-x for x in row] + list(column)  # prone: the normal points to the feet
    write_slice(tmp_path / "b.dcm", "1.2", ImageOrientationPatient=flipped, **tags)
    z = index_ct(tmp_path, TAGS)["z"]
    expected = np.dot([3, 5, 7], [0, -np.sin(tilt), np.cos(tilt)])
    np.testing.assert_allclose(z, expected, rtol=1e-9)


def test_table_gives_label_and_patient(tmp_path):
    for name, uid in (("a", "1.1"), ("b", "1.2"), ("c", "1.3")):
        write_slice(tmp_path / f"{name}.dcm", uid, PatientID="scrubbed")
    table = tmp_path / "contrast.csv"
    table.write_text("patient_id,file,contrast\nQ1,a.dcm,True\nQ2,b,no\n")
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    index = index_ct(tmp_path, CtIndex(label=label))
    assert index["patient"].tolist() == ["Q1", "Q2", "scrubbed"]
    assert index["label"].fillna("").tolist() == ["cect", "ct", ""]
    assert index["reason"].fillna("").tolist() == ["", "", "no_contrast_label"]
    for second in ("Q1,a.dcm,False", "Q2,a.dcm,True"):
        table.write_text(f"patient_id,file,contrast\nQ1,a.dcm,True\n{second}\n")
        with pytest.raises(CohortError, match="two different values in 'contrast' or 'patient_id'"):
            index_ct(tmp_path, CtIndex(label=label))


def test_conversion_pads_with_air_and_averages(tmp_path):
    write_slice(
        tmp_path / "a.dcm", "1.1", np.full((8, 16), 1064, np.int16) + np.eye(8, 16, 0, "i2")
    )
    write_slice(tmp_path / "b.dcm", "1.2", RescaleSlope=None)
    index = index_ct(tmp_path, TAGS)
    items = convert_ct(index, tmp_path, CtConvert(image_size=8), tmp_path / "0.h5", {})
    assert items["reason"].fillna("").tolist() == ["", "no_rescale"]
    image = ImageStore(items, tmp_path).read([0])[0, ..., 0]
    assert image.dtype == np.int16 and image.shape == (8, 8)
    assert (image[[0, 1, 6, 7]] == -1024).all()
    np.testing.assert_allclose(image[2:6], 40, atol=1)


def table_label(folder: Path, text: str) -> TableLabel:
    (folder / "labels.csv").write_text(text)
    return TableLabel(kind="table", path=folder / "labels.csv", key="file", value="contrast")


def test_an_unknown_word_of_the_table_is_quarantined_with_the_word(tmp_path):
    rows = {"a": "yes", "b": "Unenhanced", "c": "perhaps", "d": "None", "e": "", "f": "W/WO"}
    for i, name in enumerate([*rows, "g"]):
        write_slice(tmp_path / f"{name}.dcm", f"1.{i}", ImagePositionPatient=[0, 0, i])
    text = "file,contrast\n" + "".join(f"{name},{word}\n" for name, word in rows.items())
    index = index_ct(tmp_path, CtIndex(label=table_label(tmp_path, text)))
    columns = ["label", "label_source", "status", "reason", "detail"]
    assert index[columns].astype(object).where(index[columns].notna(), None).values.tolist() == [
        ["cect", "table", "used", None, None],
        ["ct", "table", "used", None, None],
        [None, None, "quarantined", "unknown_phase", '"perhaps"'],
        [None, None, "quarantined", "unknown_phase", '"None"'],
        [None, None, "excluded", "no_contrast_label", "its cell in the label table is empty"],
        [None, None, "quarantined", "unknown_phase", '"W/WO"'],
        [None, None, "excluded", "no_contrast_label", "not in the label table"],
    ]


def test_a_table_of_unknown_words_is_an_error_that_names_its_column(tmp_path):
    write_slice(tmp_path / "a.dcm", "1.1")
    with pytest.raises(CohortError, match=r"labels.csv: none of the 2 .* words in 'contrast'"):
        index_ct(tmp_path, CtIndex(label=table_label(tmp_path, "file,contrast\na,LUAD\nb,LUSC\n")))


def test_a_header_that_contradicts_itself_gives_no_label(tmp_path):
    tags = {"ContrastBolusAgent": "OMNIPAQUE 350", "SeriesDescription": "CHEST W/O CONTRAST"}
    write_slice(tmp_path / "a.dcm", "1.1", **tags)
    write_slice(tmp_path / "b.dcm", "1.2", ImagePositionPatient=[0, 0, 45])
    index = index_ct(tmp_path, CtIndex(label=TagContrast(kind="tags", intensity=True)))
    assert index["label_source"].tolist()[1] == "tags"
    assert index["label"].isna()[0]
    assert index["status"].tolist() == ["excluded", "used"]
    assert index["reason"][0] == "contrast_contradiction"
    assert index["detail"][0] == (
        'ContrastBolusAgent "OMNIPAQUE 350", SeriesDescription "w / o contrast"'
    )


def test_a_bare_name_that_several_files_have_labels_none_of_them(tmp_path):
    for series in ("a", "b"):
        (tmp_path / series).mkdir()
        (tmp_path / series / "1-001.dcm").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("file,contrast\n1-001.dcm,yes\n")
    label = TableLabel(kind="table", path=tmp_path / "labels.csv", key="file", value="contrast")
    with pytest.raises(CohortError, match="give paths relative to root"):
        index_ct(tmp_path, CtIndex(label=label))


def test_a_key_is_a_whole_name_with_or_without_its_suffix(tmp_path):
    names = {"1.2.840.1.dcm": None, "1.2.840.2.dcm": "no", "p1.pre.dcm": None, "p1.post.dcm": "yes"}
    for i, name in enumerate(names):
        write_slice(tmp_path / name, f"1.{i}", ImagePositionPatient=[0, 0, i])
    text = "file,contrast\n1,yes\n1.2.840.2,no\np1,no\np1.post,yes\n"
    index = index_ct(tmp_path, CtIndex(label=table_label(tmp_path, text))).set_index("source")
    phases = {"yes": "cect", "no": "ct"}
    assert index["label"].dropna().to_dict() == {k: phases[v] for k, v in names.items() if v}


def test_paths_tell_files_of_one_name_apart(tmp_path):
    for i, folder in enumerate("ab"):
        write_slice(tmp_path / folder / "1.1.dcm", f"1.{i}", ImagePositionPatient=[0, 0, i])
    for text in ("a/1.1.dcm,yes\nb/1.1.dcm,no", "a/1.1,yes\nb/1.1,no", "a/1.1,yes\n1.1,no"):
        label = table_label(tmp_path, f"file,contrast\n{text}\n")
        assert index_ct(tmp_path, CtIndex(label=label))["label"].tolist() == ["cect", "ct"]


def test_a_key_that_two_kinds_of_file_share_labels_neither(tmp_path):
    for name in ("a.dcm", "a.nii.gz"):
        (tmp_path / name).write_bytes(b"x")
    label = table_label(tmp_path, "file,contrast,patient_id\na,yes,P\n")
    with pytest.raises(CohortError, match="1 keys .* give paths relative to root"):
        index_ct(tmp_path, CtIndex(label=label, pattern="a.*"))


def test_slices_without_a_uid_are_known_by_their_paths(tmp_path):
    for i in (1, 2):
        tags = {"SOPClassUID": None, "SOPInstanceUID": None, "ImagePositionPatient": [0, 0, i]}
        write_slice(tmp_path / f"s{i}" / "1-001.dcm", "", **tags)
    index = index_ct(tmp_path, TAGS)
    assert index["status"].eq("used").all()
    assert index["item_id"].tolist() == ["s1/1-001.dcm", "s2/1-001.dcm"]


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path):
    with pytest.raises(CohortError, match="no file matches"):
        index_ct(tmp_path, CtIndex(label={"kind": "tags"}))
