"""What becomes of files of any form: their pixels, or the reason why they are not used."""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from medsynth.imaging.pictures import read_mask, read_picture
from medsynth.store.quarantine import UnusableImage
from tests.unit import dicom_files
from tests.unit.image_files import (
    BIG,
    BIG_JPEG,
    DEEP,
    GREY,
    NOISE,
    RGB,
    VOLUME,
    encoded,
    levels,
    nifti,
    read,
    size_8,
)


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


ROWS = b"".join(b"\0" + bytes(row) for row in NOISE)


def jpeg(**options) -> bytes:
    return encoded(np.kron(NOISE[::4, ::4], np.ones((4, 4), np.uint8)), "JPEG", **options)


JPEGS = {
    "baseline": jpeg(),
    "progressive": jpeg(progressive=True),
    "restarts": jpeg(restart_marker_blocks=8),
    "colours": encoded(np.dstack([NOISE, NOISE.T, NOISE[::-1]]), "JPEG"),
    "black corner": encoded(np.pad(NOISE, (0, 90)), "JPEG"),
    "white corner": encoded(255 - np.pad(NOISE, (0, 90)), "JPEG", quality=30),
    "odd size": encoded(np.dstack([NOISE[:, :137]] * 3)[:129], "JPEG", quality=95),
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("tail", [b"", b"\0" * 9, b"more \xff\xd9"], ids=["", "zeros", "text"])
def test_a_whole_jpeg_is_read_whatever_follows(kind, tail):
    read_picture(JPEGS[kind] + tail)


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("share", [0.5, 0.8, 0.99])
def test_a_jpeg_that_was_cut_and_ended_again_is_refused(kind, share):
    whole = JPEGS[kind]
    start = whole.rindex(b"\xff\xda") + 20
    cut = whole[: start + int((len(whole) - start) * share)].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(UnusableImage) as error:
        read_picture(cut)
    assert error.value.reason == "truncated"


@pytest.mark.parametrize("marker", [b"\xff\xd3", b"\xff\xd9"])
def test_a_jpeg_with_a_marker_amid_its_data_is_refused(marker):
    whole, middle = JPEGS["baseline"], len(JPEGS["baseline"]) // 2
    with pytest.raises(UnusableImage):
        read_picture(whole[:middle] + marker + whole[middle + 2 :])


@pytest.mark.parametrize("rows", [0, 1, 120, 199])
def test_a_png_without_its_last_rows_is_refused(rows):
    with pytest.raises(UnusableImage) as error:
        read_picture(png_of(200, 200, ROWS[: 201 * rows]))
    assert error.value.reason == "truncated"


def without(data: bytes, tag: int, values: dict[int, int]) -> bytes:
    """A TIFF file in which some of a tag's values are others."""
    with tifffile.TiffFile(BytesIO(data)) as file:
        entry = file.pages[0].tags[tag]
    changed, width = bytearray(data), {3: 2, 4: 4}[entry.dtype]
    for place, value in values.items():
        at = entry.valueoffset + place * width
        changed[at : at + width] = value.to_bytes(width, "little")
    return bytes(changed)


@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
@pytest.mark.parametrize(
    ("parts", "offsets", "sizes"),
    [({"tile": (16, 16)}, 324, 325), ({"rowsperstrip": 16}, 273, 279)],
)
def test_a_tiff_without_one_of_its_parts_is_refused(compression, parts, offsets, sizes):
    whole = tiff(NOISE, compression=compression, **parts)
    read_picture(whole)
    for changed in (without(whole, offsets, {2: 0}), without(whole, sizes, {2: 0})):
        with pytest.raises(UnusableImage) as error:
            read_picture(changed)
        assert error.value.reason == "truncated"


def test_a_deflated_tiff_with_a_changed_byte_gives_no_other_pixels():
    # The checksum tells; libtiff stops before it where the strip is full.
    whole = tiff(NOISE // 16, compression="zlib", rowsperstrip=50)
    expected = read_picture(whole)
    with tifffile.TiffFile(BytesIO(whole)) as file:
        start, end = file.pages[0].dataoffsets[0], file.pages[0].dataoffsets[-1]
    refused = 0
    for at in range(start, end, 61):
        try:
            picture = read_picture(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        except UnusableImage:
            refused += 1
        else:
            np.testing.assert_array_equal(picture, expected)
    assert refused


def test_planes_of_imagej_behind_one_directory_are_several():
    described = "ImageJ=1.54f\nimages=2\nslices=2\n"
    data = tiff(GREY, description=described, metadata=None) + GREY.tobytes()
    with pytest.raises(UnusableImage) as error:
        read_picture(data)
    assert error.value.reason == "multi_frame"


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("there", [True, False])
def test_a_transparent_level_of_any_depth_is_seen(depth, there):
    level = 1
    rows = (b"\0" + bytes([0, 0xFF if not there else (1 << 8 - depth)])) * 4
    data = png_of(16 // depth, 4, rows, depth)
    at = data.index(b"IDAT") - 4
    data = data[:at] + chunk(b"tRNS", struct.pack(">H", level)) + data[at:]
    if there or depth == 1:  # of one bit, all that is white
        with pytest.raises(UnusableImage) as error:
            read_picture(data)
        assert error.value.reason == "transparent"
    else:
        read_picture(data)


WHOLE = np.where(GREY > 99, 1, 0)


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ((WHOLE * 255).astype(np.uint8), {"photometric": "miniswhite"}, 1 - WHOLE.mean()),
        ((WHOLE * 65535).astype(np.uint16), {"photometric": "miniswhite"}, 1 - WHOLE.mean()),
        (WHOLE.astype(np.uint16), {"photometric": "miniswhite"}, "bad_mask"),
        (WHOLE.astype(np.uint8), {"photometric": "miniswhite"}, "bad_mask"),
        (np.where(WHOLE, 1, np.nan).astype(np.float32), {}, "not_finite"),
        (WHOLE.astype(np.float32), {}, WHOLE.mean()),
        (np.dstack([WHOLE * 200] * 3).astype(np.uint16), {"photometric": "rgb"}, "bad_mask"),
    ],
    ids=["8", "16", "labels of 16", "labels of 8", "nan", "real", "colours of 16"],
)
def test_a_mask_is_measured_as_it_is_meant_or_refused(values, options, expected):
    data = tiff(values, **options)
    if isinstance(expected, str):
        with pytest.raises(UnusableImage) as error:
            read_mask(data)
        assert error.value.reason == expected
    else:
        assert read_mask(data).mean() == pytest.approx(expected)


LIES = png_of(60_000, 60_000, b"\0" * 100)
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


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (GREY.astype(np.float64), {}),
        (GREY.astype(np.float16), {}),
        (GREY.astype(np.uint32), {}),
        (DEEP, {"photometric": "miniswhite", "compression": "zlib"}),
    ],
    ids=["64", "16", "32", "white"],
)
def test_a_form_of_tiff_that_is_not_read_is_named_or_read(values, options):
    try:
        picture = read_picture(tiff(values, **options), None if options else (0, 255))
    except UnusableImage as error:
        assert error.reason == "cannot_decode" and "form that is not read" in error.detail
    else:
        np.testing.assert_allclose(picture, 255 - GREY if options else GREY, atol=1)
