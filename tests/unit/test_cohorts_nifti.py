"""NIfTI headers: what contradicts the format, itself or the file is refused, the rest is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medsynth.imaging.ct.nifti import check_nifti, read_nifti
from medsynth.store.quarantine import UnusableImage

BLOCK = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
# nifti1.h: field, place and type.
FIELDS = {
    "sizeof_hdr": (0, "i4"),
    "dim": (40, "i2"),
    "datatype": (70, "i2"),
    "bitpix": (72, "i2"),
    "pixdim": (76, "f4"),
    "vox_offset": (108, "f4"),
    "scl_slope": (112, "f4"),
    "scl_inter": (116, "f4"),
    "xyzt_units": (123, "u1"),
    "qform_code": (252, "i2"),
    "sform_code": (254, "i2"),
    "quatern_b": (256, "f4"),
    "srow_x": (280, "f4"),
    "srow_y": (296, "f4"),
    "srow_z": (312, "f4"),
    "magic": (344, "u1"),
    "extension": (348, "u1"),
}
MAGIC = {name: list(name.encode() + b"\0") for name in ("n+1", "ni1")}


def nifti(order: str = "<", kind: type = nibabel.Nifti1Image, spacing: float = 1.0, **fields):
    """A good file of 3 x 4 x 5 int16, some of its fields written over."""
    header = kind.header_class(endianness=order)
    image = kind(BLOCK, np.diag([-spacing, -spacing, spacing, 1]), header)
    image.set_qform(image.affine, 1)
    image.set_sform(image.affine, 1)
    image.header.set_data_dtype(np.dtype("i2").newbyteorder(order))
    raw = bytearray(image.to_bytes())
    for name, value in fields.items():
        place, code = FIELDS[name]
        new = np.atleast_1d(value).astype(order + code).tobytes()
        raw[place : place + len(new)] = new
    return bytes(raw)


GOOD = nifti()
EXTENDED = GOOD[:348] + b"\1\0\0\0" + (32).to_bytes(4, "little") + bytes(28) + GOOD[352:]


def extended(offset: float) -> bytes:
    return EXTENDED[:108] + np.array([offset], "<f4").tobytes() + EXTENDED[112:]


def with_extension(size: int) -> bytes:
    """Its size written over; 32 bytes are there."""
    extension = size.to_bytes(4, "little", signed=True)
    return extended(384)[:352] + extension + EXTENDED[356:]


def shifted(offset: int) -> bytes:
    """The voxels begin there, after zeros."""
    return nifti(vox_offset=offset)[:352] + bytes(offset - 352) + GOOD[352:]


def checked(path: Path, data: bytes) -> str | None:
    path.write_bytes(data)
    try:
        check_nifti(path)
    except UnusableImage as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GOOD, id="little-endian"),
        pytest.param(nifti(">"), id="big-endian"),
        pytest.param(nifti(kind=nibabel.Nifti2Image), id="NIfTI-2"),
        pytest.param(nifti(">", nibabel.Nifti2Image), id="big-endian NIfTI-2"),
        pytest.param(extended(384), id="extension"),
        pytest.param(shifted(416), id="room before the voxels"),
        pytest.param(gzip.compress(GOOD), id="gzip"),
        pytest.param(gzip.compress(GOOD[:400]) + gzip.compress(GOOD[400:]), id="gzip in two"),
        pytest.param(nifti(scl_slope=0, scl_inter=7), id="slope 0 means none"),
        pytest.param(nifti(scl_slope=np.nan, scl_inter=np.nan), id="slope NaN means none"),
        pytest.param(nifti(scl_slope=1, scl_inter=0), id="slope 1"),
        pytest.param(nifti(dim=[5, 3, 4, 5, 1, 1]), id="axes of length one"),
        pytest.param(nifti(qform_code=0), id="sform only"),
        pytest.param(nifti(sform_code=0), id="qform only"),
        pytest.param(nifti(sform_code=0, pixdim=0), id="pixdim[0] of 0 is 1"),
        pytest.param(nifti(xyzt_units=0), id="unit not named"),
        pytest.param(nifti(xyzt_units=2 + 8), id="mm and seconds"),
        pytest.param(nifti(spacing=0.001, xyzt_units=1), id="metres"),
        pytest.param(nifti(spacing=1000, xyzt_units=3), id="microns"),
        pytest.param(nifti(sform_code=4, srow_x=[-1, 0, 0, 90]), id="a template's sform"),
    ],
)
def test_files_of_the_format_are_read(tmp_path, data):
    assert checked(tmp_path / "a.nii", data) is None
    volume = read_nifti(data)
    np.testing.assert_array_equal(volume.hu, BLOCK.transpose(2, 1, 0))
    np.testing.assert_allclose(volume.affine, np.eye(4), atol=1e-6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "not_nifti", id="empty"),
        pytest.param(b"junk" * 200, "not_nifti", id="junk"),
        pytest.param(GOOD[:200], "not_nifti", id="half a header"),
        pytest.param(
            nifti(kind=nibabel.Nifti2Image)[:200], "not_nifti", id="half a NIfTI-2 header"
        ),
        pytest.param(nifti(sizeof_hdr=384), "not_nifti", id="sizeof_hdr"),
        pytest.param(nifti(magic=[0] * 4), "not_nifti", id="Analyze"),
        pytest.param(nifti(magic=MAGIC["ni1"]), "not_nifti", id="header of a pair"),
        pytest.param(GOOD[:-1], "truncated", id="a byte too few"),
        pytest.param(GOOD[:352], "truncated", id="no voxels"),
        pytest.param(GOOD + b"\0", "bad_header", id="a byte too many"),
        pytest.param(nifti(dim=[3, 3, 4, 4]), "bad_header", id="fewer slices than the file"),
        pytest.param(nifti(dim=[3, 3, 4, 6]), "truncated", id="more slices than the file"),
        pytest.param(nifti(vox_offset=0), "bad_header", id="voxels begin with the header"),
        pytest.param(nifti(vox_offset=348), "bad_header", id="voxels begin with the flag"),
        pytest.param(nifti(vox_offset=-352), "bad_header", id="offset below zero"),
        pytest.param(nifti(vox_offset=352.5), "bad_header", id="offset within a byte"),
        pytest.param(nifti(vox_offset=np.nan), "bad_header", id="offset is no number"),
        pytest.param(nifti(vox_offset=1e12), "bad_header", id="offset beyond anything"),
        pytest.param(nifti(vox_offset=368), "truncated", id="offset eight voxels late"),
        pytest.param(shifted(353), "bad_header", id="offset a byte late, in a file of its size"),
        pytest.param(shifted(360), "bad_header", id="offset no multiple of 16"),
        pytest.param(extended(352), "bad_header", id="the extension is read as voxels"),
        pytest.param(extended(368), "bad_header", id="voxels begin within the extension"),
        pytest.param(with_extension(4), "bad_header", id="an extension without room for its code"),
        pytest.param(with_extension(-32), "bad_header", id="an extension of fewer than no bytes"),
        pytest.param(with_extension(4096), "bad_header", id="an extension beyond the voxels"),
        pytest.param(nifti(bitpix=32), "bad_header", id="bitpix"),
        pytest.param(nifti(datatype=16), "bad_header", id="float by datatype, not by bitpix"),
        pytest.param(nifti(datatype=16, bitpix=32), "truncated", id="float by both"),
        pytest.param(nifti(datatype=256, bitpix=8), "not_hu", id="values of a byte"),
        pytest.param(nifti(datatype=77), "bad_header", id="no such datatype"),
        pytest.param(nifti(datatype=128, bitpix=24), "not_hu", id="colours"),
        pytest.param(nifti(dim=[0, 3, 4, 5]), "bad_header", id="no axes"),
        pytest.param(nifti(dim=[9, 3, 4, 5]), "bad_header", id="nine axes"),
        pytest.param(nifti(dim=[3, 3, 4, 0]), "absurd_size", id="no slices"),
        pytest.param(nifti(dim=[3, 3, -4, 5]), "absurd_size", id="fewer than no rows"),
        pytest.param(nifti(dim=[3, 30000, 30000, 30000]), "absurd_size", id="too large"),
        pytest.param(nifti(dim=[4, 3, 4, 1, 5]), "not_3d", id="four axes"),
        pytest.param(nifti(scl_slope=np.inf), "bad_header", id="slope"),
        pytest.param(nifti(scl_slope=2, scl_inter=np.nan), "bad_header", id="intercept"),
        pytest.param(nifti(xyzt_units=5), "bad_header", id="no such unit"),
        pytest.param(nifti(xyzt_units=1), "bad_spacing", id="1 m"),
        pytest.param(nifti(xyzt_units=3), "bad_spacing", id="1 micron"),
        pytest.param(nifti(spacing=0.001), "bad_spacing", id="metres that say mm"),
        pytest.param(nifti(spacing=0.001, xyzt_units=0), "bad_spacing", id="metres unsaid"),
        pytest.param(nifti(spacing=1000), "bad_spacing", id="microns that say mm"),
        pytest.param(nifti(pixdim=[1, 1, 0, 1]), "bad_spacing", id="pixdim 0"),
        pytest.param(nifti(pixdim=[1, 1, -1, 1]), "bad_spacing", id="pixdim below zero"),
        pytest.param(nifti(pixdim=[1, 1, 1, np.nan]), "bad_spacing", id="pixdim is no number"),
        pytest.param(nifti(qform_code=0, pixdim=[1, 1, 1, 5]), "bad_spacing", id="not the sform's"),
        pytest.param(nifti(qform_code=0, sform_code=0), "no_affine", id="no place"),
        pytest.param(nifti(qform_code=0, pixdim=[1, 1, 1, 1.05]), "bad_spacing", id="5 % off"),
        pytest.param(nifti(srow_x=[-1, 0, 0, 50]), "no_affine", id="qform and sform: 50 mm apart"),
        pytest.param(
            nifti(spacing=0.001, xyzt_units=1, srow_x=[-0.001, 0, 0, 0.05]),
            "no_affine",
            id="qform and sform: 0.05 m apart",
        ),
        pytest.param(
            nifti(srow_x=[0, -1, 0, 0], srow_y=[1, 0, 0, 0]),
            "no_affine",
            id="qform and sform: turned",
        ),
        pytest.param(nifti(sform_code=-1), "bad_header", id="a place below none"),
        pytest.param(nifti(sform_code=77), "bad_header", id="no such place"),
        pytest.param(nifti(srow_x=[1, 0, 0, 0]), "no_affine", id="qform and sform: left, right"),
        pytest.param(
            nifti(qform_code=2, srow_x=[1, 0, 0, 0]), "no_affine", id="one of two spaces mirrored"
        ),
        pytest.param(nifti(sform_code=0, quatern_b=7), "no_affine", id="no rotation"),
        pytest.param(nifti(srow_z=[0, 0, 1, np.nan]), "no_affine", id="place is no number"),
        pytest.param(nifti(qform_code=0, srow_x=[-1, 0, 0.4, 0]), "no_affine", id="sheared"),
    ],
)
def test_files_that_contradict_the_format_are_refused(tmp_path, data, reason):
    assert checked(tmp_path / "a.nii", data) == reason
    for each in (data, gzip.compress(data)):
        with pytest.raises(UnusableImage) as refused:
            read_nifti(each)
        assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(gzip.compress(GOOD)[:-30], "truncated", id="cut off"),
        pytest.param(gzip.compress(GOOD)[:-8], "truncated", id="checksum cut off"),
        pytest.param(gzip.compress(GOOD)[:-6] + bytes(6), "not_nifti", id="wrong checksum"),
        pytest.param(gzip.compress(GOOD) + b"junk", "not_nifti", id="more behind it"),
    ],
)
def test_damaged_archives_are_refused(data, reason):
    with pytest.raises(UnusableImage) as refused:
        read_nifti(data)
    assert refused.value.reason == reason


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(UnusableImage) as refused:
        check_nifti(tmp_path / "absent.nii")
    assert refused.value.reason == "missing_file"
