"""Settings of decoding: from files of any form to square images of 8 bits."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.runtime.settings import BurnedIn, Name, Settings

COLOURS = ("red", "green", "blue")
Role = Name


class ImagesRead(Settings):
    image_size: int = Field(32, ge=8, le=4096, description="pixels, both sides")
    channels: Literal["grey", "rgb"] | dict[Role, Literal["red", "green", "blue"]] = Field(
        "grey",
        description="grey, which colour images are refused for unless their channels are equal;"
        " rgb; or channels of colour files by role, as {flair: green}. DICOM and NIfTI files are"
        " read as grey only",
    )
    grey_as_rgb: bool = Field(
        False, description="repeat grey images three times for channels rgb; false refuses them"
    )
    window: tuple[float, float] | None = Field(
        None,
        description="values that become black and white, for files of more than 8 bits (HU of"
        " CT); files of 8 bits are then refused. null: PNG and TIFF by the full range of 16 bits,"
        " DICOM by its own window or else the range of its pixels, NIfTI by cal_min and cal_max",
    )
    median_grey: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of the range that the median of an image becomes, of its pixels above a"
        " tenth and channel by channel, for MR and others whose brightness has no unit: 0.35, say;"
        " what becomes brighter than white is white. null: as in the file",
    )
    fit: Literal["pad", "crop", "stretch"] = Field(
        "pad",
        description="how an image becomes square: black borders (pad), its largest centred square"
        " (crop), or with its sides scaled apart (stretch: shapes are distorted)",
    )
    burned_in: BurnedIn = "exclude"

    @field_validator("channels")
    @classmethod
    def _differ(cls, channels: Any) -> Any:
        if isinstance(channels, dict) and (
            not channels or len(set(channels.values())) < len(channels)
        ):
            raise ValueError("name one to three roles, each a channel of its own")
        return channels

    @field_validator("grey_as_rgb")
    @classmethod
    def _is_for_rgb(cls, repeat: bool, info: ValidationInfo) -> bool:
        if repeat and info.data.get("channels", "rgb") != "rgb":
            raise ValueError("grey_as_rgb needs channels: rgb; correct one of the two")
        return repeat

    @field_validator("window")
    @classmethod
    def _rises(cls, window: tuple[float, float] | None) -> tuple[float, float] | None:
        if window and window[0] >= window[1]:
            raise ValueError(f"black {window[0]:g} must be below white {window[1]:g}")
        return window
