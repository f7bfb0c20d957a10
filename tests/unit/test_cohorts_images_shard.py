"""What becomes of files: their pixels, or the reason why they are not used."""

from __future__ import annotations

import gzip
import os
import struct
import time
import zlib
from functools import partial
from io import BytesIO

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from medsynth.cohorts.images import shard as sharding
from medsynth.imaging.pictures import read_picture
from medsynth.runtime.subprocess import Isolated
from medsynth.store.quarantine import UnusableImage
from tests.unit import dicom_files
from tests.unit.image_files import cohort, colours, encoded, indexed, levels, made, nifti

GREY, RGB = levels(), colours()
DEEP = levels(dtype=np.uint16, most=65535)
VOLUME = np.stack([levels(dtype=np.int16, most=1000).T + 10 * k for k in range(4)], axis=2)


def read(tmp_path, data: bytes, name: str = "x.png", columns=None, others=None, **settings):
    """(status and reason) of one file, and its image (8, 8, channels)."""
    row = {"image": name, "patient": "p", "label": "a", **(others or {})}
    files = {name: data} | settings.pop("files", {})
    frame = made(cohort(tmp_path, files, [row], columns, read=settings), tmp_path / "0.h5")
    item = frame[frame["reason"] != "no_row"].iloc[0]
    if item["status"] != "used":
        return item["reason"], None
    with h5py.File(tmp_path / "0.h5") as file:
        return None, file["images"][0]


def size_8(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, data: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def alpha(opacity: int, base: np.ndarray = RGB) -> np.ndarray:
    return np.dstack([base, np.full(base.shape[:2], opacity, np.uint8)])


def palette(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image).quantize(64)


def pages(*images: np.ndarray, form: str = "TIFF") -> bytes:
    first, *others = map(Image.fromarray, images)
    return encoded(first, form, save_all=True, append_images=others)


def dicom(**tags) -> bytes:
    return dicom_files.encoded(dicom_files.dataset(levels(dtype=np.uint16, most=4095), **tags))


GOOD = {
    "png": (encoded(GREY), {}),
    "one sided suffix": (encoded(GREY, "TIFF"), {}),
    "grey saved as colours": (encoded(np.dstack([GREY] * 3)), {}),
    "opaque grey alpha": (encoded(Image.fromarray(GREY).convert("LA")), {}),
    "opaque alpha": (encoded(alpha(255, np.dstack([GREY] * 3))), {}),
    "16 bits": (encoded(DEEP), {}),
    "16 bits of tiff": (encoded(DEEP, "TIFF"), {}),
    "window": (encoded(levels(dtype=np.uint16, most=1000), "TIFF"), {"window": (0, 1000)}),
    "real numbers": (encoded(levels(dtype=np.float32, most=255), "TIFF"), {"window": (0, 255)}),
    "nifti": (nifti(GREY.T[:, ::-1, None][::-1]), {}),
    "nifti of two axes": (nifti(GREY.T[:, ::-1][::-1]), {}),
    "nifti, display": (
        gzip.compress(nifti(DEEP.astype(np.int32).T[:, ::-1, None][::-1], cal=(0, 65535))),
        {},
    ),
    "dicom": (dicom(), {}),
    "dicom of any modality": (dicom(Modality="MR"), {}),
    "dicom, window": (
        dicom(RescaleSlope=1, RescaleIntercept=-1024, Modality="CT"),
        {"window": (-1024, 3071)},
    ),
}


@pytest.mark.parametrize("kind", GOOD)
def test_the_same_grey_levels_in_every_form(tmp_path, kind):
    data, settings = GOOD[kind]
    reason, image = read(tmp_path, data, fit="stretch", **settings)
    assert reason is None and image.shape == (8, 8, 1)
    np.testing.assert_allclose(image[..., 0].astype(int), size_8(GREY).astype(int), atol=1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(RGB), RGB),
        (encoded(alpha(255)), RGB),
        (encoded(RGB.astype(np.uint8), "TIFF"), RGB),
        (encoded(palette(RGB)), np.asarray(palette(RGB).convert("RGB"))),
        (encoded(palette(RGB), "TIFF"), np.asarray(palette(RGB).convert("RGB"))),
    ],
    ids=["png", "alpha", "tiff", "palette", "palette of tiff"],
)
def test_the_same_colours_in_every_form(tmp_path, data, expected):
    reason, image = read(tmp_path, data, channels="rgb", fit="stretch")
    assert reason is None
    np.testing.assert_array_equal(image, size_8(expected))


def test_one_bit_is_black_and_white(tmp_path):
    bits = GREY > 100
    _, image = read(tmp_path, encoded(bits), fit="stretch")
    np.testing.assert_array_equal(image[..., 0], size_8(bits.astype(np.uint8) * 255))


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_turns_are_applied_once(tmp_path, form, orientation):
    smooth = levels(16, 32)
    turns = {3: 2, 6: 3, 8: 1}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    options = {"quality": 100} if form == "JPEG" else {}
    data = encoded(smooth, form, exif=exif, **options)
    reason, image = read(tmp_path, data, fit="stretch")
    assert reason is None
    expected = size_8(np.ascontiguousarray(np.rot90(smooth, turns))).astype(int)
    np.testing.assert_allclose(image[..., 0].astype(int), expected, atol=3)


@pytest.mark.parametrize("values", [GREY, DEEP], ids=["8 bits", "16 bits"])
def test_levels_of_which_0_is_white_are_turned_round(tmp_path, values):
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="miniswhite")
    _, image = read(tmp_path, (tmp_path / "x.tif").read_bytes(), fit="stretch")
    np.testing.assert_allclose(image[..., 0].astype(int), size_8(255 - GREY).astype(int), atol=1)


def tiff(values: np.ndarray, **options) -> bytes:
    out = BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


DEEP_RGB = RGB.astype(np.uint16) * 257
FORMS = [
    {"byteorder": order, "compression": compression, "tile": tile}
    for order in "<>"
    for compression in (None, "lzw", "zlib", "packbits")
    for tile in (None, (16, 16))
]


@pytest.mark.parametrize(
    ("values", "window", "photometric"),
    [
        (GREY, None, "minisblack"),
        (GREY.astype(np.uint16) * 257, None, "minisblack"),
        (GREY.astype(np.int16), (0, 255), "minisblack"),
        (GREY.astype(np.int32), (0, 255), "minisblack"),
        (GREY.astype(np.float32), (0, 255), "minisblack"),
        (RGB, None, "rgb"),
        (DEEP_RGB, None, "rgb"),
        (np.moveaxis(RGB, 2, 0), None, "separate"),
        (np.moveaxis(DEEP_RGB, 2, 0), None, "separate"),
    ],
    ids=["8", "16", "16 signed", "32", "real", "rgb", "rgb 16", "planes", "planes 16"],
)
def test_each_form_of_tiff_is_read_as_it_was_written_or_not_at_all(values, window, photometric):
    colour = {"photometric": "rgb", "planarconfig": "separate"}
    options = colour if photometric == "separate" else {"photometric": photometric}
    expected = GREY if photometric == "minisblack" else RGB
    refused = 0
    for form in FORMS:
        try:
            picture = read_picture(tiff(values, **form, **options), window)
        except UnusableImage as error:
            assert error.reason == "cannot_decode"
            refused += 1
        else:
            np.testing.assert_allclose(picture.astype(int), expected.astype(int), atol=1)
    # Of those that Pillow misreads, half are big-endian, or all are planes.
    most = {1: 0, 2: len(FORMS), 4: len(FORMS) // 2}[values.dtype.itemsize]
    assert refused <= most


LIES = png_of(60_000, 60_000, b"\0" * 100)
NOISE = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
BIG, BIG_JPEG = encoded(NOISE), encoded(NOISE, "JPEG")
FLAT = nifti(GREY[..., None])
BAD = {
    "empty": (b"", {}, "empty_file"),
    "text": (b"not an image at all", {}, "not_image"),
    "gif": (encoded(GREY, "GIF"), {}, "not_image"),
    "bmp": (encoded(GREY, "BMP"), {}, "not_image"),
    "html of a failed download": (b"<html>404</html>", {}, "not_image"),
    "zip": (b"PK\3\4" + bytes(100), {}, "not_image"),
    "gzip of nothing": (gzip.compress(b""), {}, "not_nifti"),
    "gzip of a png": (gzip.compress(encoded(GREY)), {}, "not_nifti"),
    "magic only": (b"\x89PNG\r\n\x1a\n", {}, "cannot_decode"),
    "jpeg magic only": (b"\xff\xd8\xff", {}, "cannot_decode"),
    "tiff magic only": (b"II*\0", {}, "cannot_decode"),
    "truncated jpeg": (BIG_JPEG[: len(BIG_JPEG) // 2], {}, "truncated"),
    "truncated png": (BIG[: len(BIG) // 2], {}, "truncated"),
    "truncated tiff": (encoded(GREY, "TIFF")[:150], {}, "truncated"),
    "bytes changed in a png": (BIG[:5000] + b"12345678" + BIG[5008:], {}, "cannot_decode"),
    "bomb": (LIES, {}, "absurd_size"),
    "bomb of zeros": (png_of(9_000, 9_000, bytes(9_001 * 9_000)), {}, "absurd_size"),
    "no width": (png_of(0, 5, b""), {}, "cannot_decode"),
    "transparent": (encoded(alpha(254)), {"channels": "rgb"}, "transparent"),
    "transparent grey": (
        encoded(Image.merge("LA", [Image.fromarray(GREY)] * 2)),
        {},
        "transparent",
    ),
    "transparent colour": (encoded(GREY, transparency=0), {}, "transparent"),
    "transparent palette": (
        encoded(palette(RGB), transparency=int(np.asarray(palette(RGB))[0, 0])),
        {"channels": "rgb"},
        "transparent",
    ),
    "transparent 16 bits": (encoded(DEEP, transparency=0), {}, "transparent"),
    "cmyk": (encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), {}, "colour_space"),
    "cmyk of tiff": (encoded(Image.fromarray(RGB).convert("CMYK"), "TIFF"), {}, "colour_space"),
    "lab": (encoded(Image.new("LAB", (9, 9)), "TIFF"), {}, "colour_space"),
    "animated": (pages(GREY, GREY[::-1], form="PNG"), {}, "multi_frame"),
    "pages": (pages(GREY, GREY), {}, "multi_frame"),
    "colours for grey": (encoded(RGB), {}, "not_grey"),
    "grey for colours": (encoded(GREY), {"channels": "rgb"}, "not_colour"),
    "grey for roles": (encoded(GREY), {"channels": {"flair": "green"}}, "not_colour"),
    "12 bits in 16": (encoded(levels(dtype=np.uint16, most=4095)), {}, "needs_window"),
    "12 bits in a tiff": (
        encoded(levels(dtype=np.uint16, most=4095), "TIFF"),
        {},
        "needs_window",
    ),
    "32 bits": (encoded(levels(dtype=np.int32, most=9999), "TIFF"), {}, "needs_window"),
    "real numbers": (encoded(levels(dtype=np.float32), "TIFF"), {}, "needs_window"),
    "nan": (
        encoded(np.full((9, 9), np.nan, np.float32), "TIFF"),
        {"window": (0, 1)},
        "not_finite",
    ),
    "12 bits in colours of 16": (
        png_of(8, 8, b"".join(b"\0" + bytes([k, 9] * 24) for k in range(8)), 16, 2),
        {"channels": "rgb"},
        "bit_depth",
    ),
    "colours beside a window": (
        encoded(RGB),
        {"channels": "rgb", "window": (0, 1000)},
        "eight_bits",
    ),
    "8 bits beside a window": (encoded(GREY), {"window": (0, 1000)}, "eight_bits"),
    "all below the window": (encoded(DEEP), {"window": (70_000, 80_000)}, "blank"),
    "blank": (encoded(GREY * 0 + 7), {}, "blank"),
    "blank channel": (
        encoded(np.dstack([GREY, GREY * 0, GREY])),
        {"channels": {"a": "red", "b": "green"}},
        "blank",
    ),
    "several slices": (nifti(VOLUME), {"window": (0, 1000)}, "not_2d"),
    "several frames": (nifti(VOLUME[:, :, None, :]), {"window": (0, 1000)}, "not_3d"),
    "five axes": (nifti(VOLUME[:, :, None, None, :]), {"window": (0, 1000)}, "not_3d"),
    "nifti without a range": (nifti(VOLUME[:, :, :1]), {}, "needs_window"),
    "nifti that is cut off": (nifti(VOLUME)[:900], {"window": (0, 1000)}, "truncated"),
    "nifti of long pixels": (
        nifti(GREY[..., None], np.diag([1, 3, 1, 1])),
        {},
        "bad_spacing",
    ),
    "nifti that lies nowhere": (FLAT[:252] + bytes(4) + FLAT[256:], {}, "no_affine"),
    "dicom, text in the pixels": (dicom(BurnedInAnnotation="YES"), {}, "burned_in"),
    "dicom, cut off": (dicom()[:-400], {}, "no_pixels"),
    "dicom, frames": (dicom(NumberOfFrames=2), {}, "multi_frame"),
    "dicom, colours": (dicom(PhotometricInterpretation="RGB", SamplesPerPixel=3), {}, "not_grey"),
    "dicom, junk": (bytes(128) + b"DICM" + b"\xff" * 50, {}, "not_dicom"),
}


@pytest.mark.parametrize("kind", BAD)
def test_each_bad_file_has_its_reason(tmp_path, kind):
    data, settings, reason = BAD[kind]
    assert read(tmp_path, data, **settings)[0] == reason


def test_roles_become_channels_in_their_order(tmp_path):
    columns = {"file": {"before": "image", "after": "after"}}
    files = {"b.png": encoded(GREY[::-1].copy())}
    others = {"after": "b.png"}
    _, image = read(tmp_path, encoded(GREY), "a.png", columns, others, files=files, fit="stretch")
    np.testing.assert_array_equal(image, np.dstack([size_8(GREY), size_8(GREY[::-1].copy())]))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (encoded(GREY[:-1]), "role_size"),
        (encoded(np.ascontiguousarray(GREY.T)), "role_size"),
        (encoded(RGB), "not_grey"),
        (b"", "empty_file"),
    ],
)
def test_a_role_that_does_not_fit_the_first(tmp_path, after, reason):
    columns = {"file": {"before": "image", "after": "after"}}
    files, others = {"b.png": after}, {"after": "b.png"}
    assert read(tmp_path, encoded(GREY), "a.png", columns, others, files=files)[0] == reason


def test_channels_of_one_file_by_role(tmp_path):
    channels = {"after": "blue", "before": "red"}
    _, image = read(tmp_path, encoded(RGB), channels=channels, fit="stretch")
    np.testing.assert_array_equal(image, size_8(RGB)[..., [2, 0]])


def test_grey_becomes_colours_where_it_is_said(tmp_path):
    _, image = read(tmp_path, encoded(GREY), channels="rgb", grey_as_rgb=True, fit="stretch")
    np.testing.assert_array_equal(image, np.dstack([size_8(GREY)] * 3))


@pytest.mark.parametrize(("fit", "corner"), [("pad", 0), ("crop", None), ("stretch", None)])
def test_images_become_square(tmp_path, fit, corner):
    _, image = read(tmp_path, encoded(RGB // 2 + 100), channels="rgb", fit=fit)
    assert image.shape == (8, 8, 3)
    assert (image[0] == 0).all() == (corner == 0)


INSIDE = GREY > 200


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (encoded(INSIDE), None),
        (encoded(INSIDE.astype(np.uint8)), None),
        (encoded(INSIDE.astype(np.uint16) * 3, "TIFF"), None),
        (encoded(np.dstack([INSIDE.astype(np.uint8) * 255] * 3)), None),
        (encoded(INSIDE[:, 1:]), "mask_size"),
        (encoded(INSIDE.T.copy()), "mask_size"),
        (encoded(RGB), "bad_mask"),
        (encoded(INSIDE.astype(np.uint8) * 255, "JPEG"), "bad_mask"),
        (b"", "empty_file"),
        (b"nothing", "bad_mask"),
        (BIG[:300], "truncated"),
    ],
    ids=range(11),
)
def test_masks_are_checked_and_measured(tmp_path, mask, reason):
    row = {"image": "x.png", "patient": "p", "label": "a", "mask": "m.png"}
    files = {"x.png": encoded(GREY), "m.png": mask}
    frame = made(cohort(tmp_path, files, [row], {"mask": "mask"}), tmp_path / "0.h5")
    item = frame.iloc[0]
    if reason:
        assert item["reason"] == reason
    else:
        assert item["mask_share"] == pytest.approx(INSIDE.mean())


def test_no_mask_is_no_empty_mask(tmp_path):
    rows = [{"image": "x.png", "patient": "p", "label": "a", "mask": ""}]
    files = {"x.png": encoded(GREY)}
    frame = made(cohort(tmp_path, files, rows, {"mask": "mask"}), tmp_path / "0.h5")
    assert frame["status"].tolist() == ["used"] and frame["mask_share"].isna().all()


def test_a_slice_that_the_table_names(tmp_path):
    columns, settings = {"slice": "z"}, {"window": (0, 1030), "fit": "stretch"}
    shown = {}
    for z in ("0", "3.0"):
        reason, shown[z] = read(tmp_path, nifti(VOLUME), "v.nii", columns, {"z": z}, **settings)
        assert reason is None
    expected = [
        size_8(np.rint(np.clip(VOLUME[..., z].T / 1030, 0, 1) * 255).astype(np.uint8)[::-1, ::-1])
        for z in (0, 3)
    ]
    for image, there in zip(shown.values(), expected, strict=True):
        np.testing.assert_allclose(image[..., 0].astype(int), there.astype(int), atol=1)
    for z in ("4", "-1", "1.5", "x"):
        assert read(tmp_path, nifti(VOLUME), "v.nii", columns, {"z": z}, **settings)[0] == (
            "bad_slice"
        )
    assert read(tmp_path, encoded(GREY), columns=columns, others={"z": "0"})[0] == "bad_slice"


def test_a_frame_that_the_table_names(tmp_path):
    frames = VOLUME[:, :, None, :]
    columns, settings = {"frame": "t"}, {"window": (0, 1030)}
    assert read(tmp_path, nifti(frames), "v.nii", columns, {"t": "2"}, **settings)[0] is None
    assert read(tmp_path, nifti(frames), "v.nii", columns, {"t": "4"}, **settings)[0] == "bad_slice"


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("flips", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("swap", [False, True])
def test_a_slice_is_turned_as_a_reader_expects_it(tmp_path, plane, flips, swap):
    # What is seen: columns towards the patient's left (back where sagittal), rows to back or feet.
    across, down = {
        "axial": ((-1, 0, 0), (0, -1, 0)),
        "coronal": ((-1, 0, 0), (0, 0, -1)),
        "sagittal": ((0, -1, 0), (0, 0, -1)),
    }[plane]  # in RAS, as files are written
    stored = GREY.T[:: flips[0], :: flips[1]]  # columns, rows
    axes = np.array([np.array(across) * flips[0], np.array(down) * flips[1]])
    if swap:
        stored, axes = stored.T, axes[::-1]
    affine = np.eye(4)
    affine[:3, :3] = np.stack([*axes, np.cross(*axes)], axis=1)
    data = nifti(np.ascontiguousarray(stored)[..., None], affine)
    reason, image = read(tmp_path, data, "v.nii", fit="stretch")
    assert reason is None
    np.testing.assert_array_equal(image[..., 0], size_8(GREY))


def test_a_file_that_changes_after_the_index_is_set_aside(tmp_path):
    settings = cohort(
        tmp_path,
        {"x.png": encoded(GREY)},
        [{"image": "x.png", "patient": "p", "label": "a"}],
    )
    rows = indexed(settings)
    (settings.root / "x.png").write_bytes(encoded(GREY[::-1].copy()))
    items = sharding.shard(rows, settings.root, settings.read, tmp_path / "0.h5", {})
    assert items["reason"].tolist() == ["changed_since_index"]


@pytest.mark.parametrize(
    "fault", [partial(os._exit, 9), partial(time.sleep, 60)], ids=["crash", "hang"]
)
def test_a_decoder_that_crashes_or_hangs_costs_one_image(tmp_path, monkeypatch, fault):
    rows = [{"image": f"{k}.png", "patient": f"p{k}", "label": "a"} for k in range(3)]
    files = {"0.png": encoded(GREY), "1.png": b"bad", "2.png": encoded(GREY[::-1].copy())}
    decode = sharding.read_square
    child = Isolated(1.0)
    monkeypatch.setattr(sharding, "in_child", child)
    monkeypatch.setattr(sharding, "read_square", partial(_faulty, decode, fault))
    frame = made(cohort(tmp_path, files, rows), tmp_path / "0.h5").set_index("item_id")
    child.close()
    assert frame["status"].to_dict() == {"0.png": "used", "1.png": "quarantined", "2.png": "used"}
    assert frame.loc["1.png", "reason"] == "crashed"


def _faulty(decode, fault, data, *others):
    if data == b"bad":
        fault()
    return decode(data, *others)


def test_shards_are_the_same_bytes_every_time(tmp_path):
    rows = [{"image": f"{k}.png", "patient": f"p{k}", "label": "a"} for k in range(3)]
    files = {f"{k}.png": encoded(GREY // (k + 1)) for k in range(3)}
    settings = cohort(tmp_path, files, rows)
    for name in ("one.h5", "two.h5"):
        made(settings, tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
