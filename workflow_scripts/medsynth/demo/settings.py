"""Settings of the demo data."""

from __future__ import annotations

from pydantic import Field

from medsynth.runtime.settings import Settings


class Demo(Settings):
    """Self-made raw data in the true formats; paths of the cohorts point into its folder."""

    seed: int = Field(
        7,
        ge=0,
        le=2**63 - 1,
        description="randomness of the demo data; the workflow's has its own seed",
    )
    cxr_patients: int = Field(120, ge=9, le=100_000, description="patients with chest radiographs")
    slide_cases: int = Field(
        36,
        ge=9,
        le=100_000,
        description="glioma patients with slides and rows in the genomic tables",
    )
    ct_patients: int = Field(
        24,
        ge=5,
        le=100_000,
        description="patients with a CT series without and one with contrast medium",
    )
