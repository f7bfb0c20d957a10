"""What a patient's withdrawal means, as `medsynth impact` finds it and the erasure needs it."""

from __future__ import annotations

from typing import TypedDict


class Version(TypedDict):
    """An artifact as it was made once."""

    path: str
    sha256: str


class Destroyed(Version):
    why: str


class Past(Version):
    jobs: list[str]


class Impact(TypedDict):
    """What must be destroyed and redone.

    destroy: artifacts on the disk. redo: artifacts derived from them. raw: the patient's raw files
    and folders. images: files of images in them. rows: {raw table: rows that name the patient}.
    unfinished: work folders of trainings on them. kept: copies of what earlier trainings and
    samplings made, all of them. command: the snakemake call that makes everything again. past:
    artifacts that held or may have shown the patient at any time, with the jobs that made them.
    learned: tokenizers and cards of any time that go back to the patient, likewise; their copies in
    MLflow go. models: digests of the weights of any time that do. identifiers, sources: ids of the
    patient's images and digests of their files. longer: ids of others in which the patient's
    stands. patients: all in the index tables. indexes: tables that name the raw files.
    unknown: artifacts on the disk of which it cannot be told whether they go back to the patient.
    erased: times of earlier erasures.
    """

    patient_key: str
    destroy: list[Destroyed]
    redo: list[Version]
    raw: list[str]
    images: list[str]
    rows: dict[str, int]
    unfinished: list[str]
    kept: list[str]
    command: str
    past: list[Past]
    learned: list[Past]
    models: list[str]
    identifiers: list[str]
    sources: list[str]
    longer: list[str]
    patients: list[str]
    indexes: list[str]
    unknown: list[str]
    erased: list[float]


class Remains(TypedDict):
    """path: relative to the folder's parent. found: id, bytes, unreadable or unsearchable."""

    path: str
    found: str


class Erasure(TypedDict):
    """What an erasure left.

    left: files below results, and of runs on an MLflow server or second store, that still hold the
    patient's identifiers or bytes, or may, for nobody recorded what they are; [] is the proof.
    yours: raw files outside that were left. rows: raw tables outside, as in :class:`Impact`.
    """

    left: list[Remains]
    yours: list[str]
    rows: dict[str, int]
