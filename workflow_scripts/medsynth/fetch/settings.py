"""Settings of fetching raw data from archives.

Passwords and tokens are never settings: they come from the environment, because the
configuration is recorded with every run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from medsynth.runtime.settings import RawPath, Settings


def _safe_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("leave user name and password out; they belong into the environment")
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise ValueError("must begin with https://, so that passwords and data travel encrypted")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_safe_url)]
Destination = Annotated[
    RawPath,
    Field(description="existing folder that the files go into; a cohort that has it as root waits"),
]
Connections = Annotated[int, Field(ge=1, le=16, description="files that are fetched at once")]


class PhysioNetProject(Settings):
    """One published version of a PhysioNet project."""

    path: str = Field(
        pattern=r"^[a-z0-9-]+/[A-Za-z0-9.-]+$", description="name/version, as in its web address"
    )
    include: list[str] = Field(
        ["*"], min_length=1, description="globs of the wanted paths; * also matches a slash"
    )


class PhysioNetDownload(Settings):
    """PhysioNet, with PHYSIONET_USERNAME and PHYSIONET_PASSWORD from the environment."""

    module: ClassVar = "medsynth.fetch.physionet"
    kind: Literal["physionet"] = Field(description="the archive: PhysioNet")
    destination: Destination
    projects: list[PhysioNetProject] = Field(min_length=1, description="all go into one folder")
    user_agent: str = Field(
        "medsynth/0.1",
        pattern=r"^[ -~]+$",
        description="PhysioNet takes passwords only from programs whose name it knows (Wget/...)",
    )
    connections: Connections = 4
    base_url: Url = Field("https://physionet.org", description="the archive, or a mirror of it")


class GdcDownload(Settings):
    """Genomic Data Commons; controlled files need the path of a token in GDC_TOKEN_FILE."""

    module: ClassVar = "medsynth.fetch.gdc"
    kind: Literal["gdc"] = Field(description="the archive: Genomic Data Commons")
    destination: Destination
    manifest: RawPath = Field(description="gdc_manifest*.txt of the cart")
    connections: Connections = 4
    base_url: Url = Field("https://api.gdc.cancer.gov", description="the archive, or a mirror")


class TciaDownload(Settings):
    """The Cancer Imaging Archive (NBIA); TCIA_TOKEN_FILE may name the file of an access token."""

    module: ClassVar = "medsynth.fetch.tcia"
    kind: Literal["tcia"] = Field(description="the archive: The Cancer Imaging Archive")
    destination: Destination
    manifest: RawPath | None = Field(None, description="*.tcia file of the cart; or a collection")
    collection: str | None = Field(None, description="every series of this collection")
    modality: str | None = Field(None, description="of a collection, only this one, e.g. CT")
    connections: Connections = 2
    base_url: Url = Field(
        "https://services.cancerimagingarchive.net/nbia-api/services/v4",
        description="the archive, or a mirror",
    )

    @field_validator("collection")
    @classmethod
    def _is_given_or_a_manifest(cls, collection: str | None, info: ValidationInfo) -> str | None:
        if "manifest" in info.data and (info.data["manifest"] is None) == (collection is None):
            raise ValueError("give either manifest or collection")
        return collection

    @field_validator("modality")
    @classmethod
    def _is_of_a_collection(cls, modality: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("manifest") and modality:
            raise ValueError("modality narrows a collection; a manifest already lists its series")
        return modality


Download = Annotated[PhysioNetDownload | GdcDownload | TciaDownload, Field(discriminator="kind")]


def fills(download: Download, path: Path) -> bool:
    """Whether `path` is the download's destination, or lies in it."""
    return path.absolute().is_relative_to(download.destination.absolute())


def listing_of(name: str) -> str:
    """The list for people, in the destination of the download of this name."""
    return f"medsynth_fetch_{name}.tsv"
