"""Readers against damaged files: an image, or a known reason; never anything else.

Files in the true formats are mutated: bytes flipped and overwritten, cut off, moved and put in
twice. Always the same 25 of every kind; ``MEDSYNTH_FUZZ_EXAMPLES=3000 pytest
tests/unit/test_fuzz_readers.py`` tries so many, and other ones every time.
"""

from __future__ import annotations

import functools
import gzip
import os
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from medsynth.demo.dicom import LOSSLESS, write_dicom
from medsynth.demo.genomics import write_genomics
from medsynth.demo.slides import write_slides
from medsynth.imaging.ct.nifti import write_nifti
from medsynth.imaging.ct.volumes import Volume
from tests.unit.reader_process import BYTES, PATHS, SLIDES, Readers

ASKED = os.environ.get("MEDSYNTH_FUZZ_EXAMPLES")
HEAD = 2048  # where headers are; half of the damage is done there
EXTREMES = [b"\0", b"\xff", b"\x7f", b"\xff\xff", b"\0\0\0\x80", b"\xff\xff\xff\x7f", b"\xff" * 8]
KINDS = [*BYTES, *SLIDES, *PATHS]


def _disc(dtype: str, top: int) -> np.ndarray:
    """A bright disc with structure, (48, 56)."""
    y, x = np.mgrid[:48, :56]
    disc = (np.hypot(y - 24, x - 28) < 20) * (0.7 + 0.3 * np.sin(x / 3))
    return np.rint(disc * top).astype(dtype)


def _dicom(folder: Path, modality: str, syntax: str) -> bytes:
    header = Dataset()
    header.SOPClassUID = ComputedRadiographyImageStorage if modality == "CR" else CTImageStorage
    header.SOPInstanceUID, header.Modality = "1.2.3", modality
    header.PatientID, header.PhotometricInterpretation = "someone", "MONOCHROME2"
    header.RescaleSlope, header.RescaleIntercept = 1, -1024
    eight = syntax == JPEGBaseline8Bit
    pixels = _disc("uint8", 255) if eight else _disc("uint16", 4000)
    write_dicom(folder / "one.dcm", header, pixels, 8 if eight else 12, syntax)
    return (folder / "one.dcm").read_bytes()


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


@functools.cache
def corpus() -> dict[str, list[bytes]]:
    """Small intact files of every kind."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        syntaxes = [*LOSSLESS, ImplicitVRLittleEndian, JPEGBaseline8Bit]
        found = {
            "radiograph": [_dicom(folder, "CR", syntax) for syntax in syntaxes],
            "ct": [_dicom(folder, "CT", syntax) for syntax in syntaxes],
        }
        hu = (_disc("int16", 1000)[None].repeat(3, 0) - 1000).astype(np.int16)
        write_nifti(Volume(hu, np.diag([0.7, 0.7, 3.0, 1.0])), folder / "v.nii.gz")
        packed = (folder / "v.nii.gz").read_bytes()
        found["nifti"] = [packed, gzip.decompress(packed)]
        found["jpg"] = [_encoded(_disc("uint8", 255), "JPEG")]
        stained = np.stack([255 - _disc("uint8", n) for n in (60, 160, 40)], axis=-1)
        stained = stained.repeat(4, 0).repeat(4, 1)
        for kind in ("png", "jpeg"):
            found[kind] = [_encoded(stained, kind.upper())]
        found["tif"] = [_encoded(stained, "TIFF")]
        write_slides(folder / "slides", 1, 7)
        found["svs"] = [f.read_bytes() for f in sorted(folder.glob("slides/**/*.svs"))[:1]]
        write_genomics(folder / "genomics", 12, 7)
        tables = sorted(f for f in (folder / "genomics").rglob("*") if f.is_file())
        found["maf.gz"] = [f.read_bytes() for f in tables if f.name.endswith(".maf.gz")][:1]
        found["maf"] = [gzip.decompress(found["maf.gz"][0])]
        row = "TCGA-AA-{0:04d}-01\t{1}\t1000\t9000000\t99\t-0.{0}\n"
        rows = [row.format(i, i % 22 + 1) for i in range(60)]
        head = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n"
        found["seg"] = [(head + "".join(rows)).encode()]
        found["tsv"] = [f.read_bytes() for f in tables if "clinical" in f.name][:1]
        found["csv"] = [b"dicom_id,subject_id\n" + b"a,1\nb,2\n" * 20]
        found["csv.gz"] = [gzip.compress(found["csv"][0])]
        return found


def _at(data: bytearray, draw) -> int:
    """A place in the file."""
    end = max(len(data) - 1, 0)
    return draw(st.one_of(st.integers(0, min(HEAD, end)), st.integers(0, end)))


@st.composite
def damaged(draw, kind: str) -> bytes:
    """A file of this kind after one to four accidents."""
    data = bytearray(draw(st.sampled_from(corpus()[kind])))
    for _ in range(draw(st.integers(1, 4))):
        place = _at(data, draw)
        match draw(st.sampled_from(["flip", "overwrite", "cut", "repeat", "lose"])):
            case "flip" if data:
                data[place] ^= draw(st.integers(1, 255))
            case "overwrite":
                new = draw(st.one_of(st.sampled_from(EXTREMES), st.binary(min_size=1, max_size=8)))
                data[place : place + len(new)] = new
            case "cut":
                del data[place:]
            case "repeat":
                data[place:place] = data[_at(data, draw) :][: draw(st.integers(1, 4096))]
            case "lose":
                del data[place : place + draw(st.integers(1, 512))]
    return bytes(data)


# Not made smaller: after every crash the process begins anew.
often = settings(
    max_examples=int(ASKED or 25),
    derandomize=ASKED is None,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def readers():
    process = Readers()
    yield process
    process.close()


@pytest.mark.parametrize("kind", KINDS)
def test_intact_files_are_read(readers, kind):
    for data in corpus()[kind]:
        what, found = readers(kind, data)
        assert what != "raised", found
        assert what != "refused", found


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_with_a_known_reason(readers, kind):
    @often
    @given(damaged(kind))
    def check(data: bytes) -> None:
        what, found = readers(kind, data)
        assert what != "raised", found

    check()


@often
@given(st.data())
def test_damage_outside_of_what_the_pixels_need_changes_no_pixel(readers, data):
    intact = data.draw(
        st.sampled_from(corpus()["ct"][:4])
    )  # not deflated, where all hangs together
    dataset = pydicom.dcmread(BytesIO(intact))
    at = intact.index(str(dataset.PatientID).encode())
    place = at + data.draw(st.integers(0, len(dataset.PatientID) - 1))
    changed = bytearray(intact)
    changed[place] = data.draw(st.integers(65, 90))
    what, pixels = readers("ct", bytes(changed))
    assert what == "image"
    expected = dataset.pixel_array.astype(int) - 1024
    np.testing.assert_array_equal(pixels, expected)
