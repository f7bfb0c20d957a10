"""Settings of the tables that describe a cohort's patients."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from medsynth.runtime.settings import Name, RawPath, Settings

IMAGE = "image"  # the modality that every cohort has
MOST = 5  # tables: with the image's 2^6 coalitions are asked for every patient


def plain_word(word: str) -> str:
    """A cell as it is compared: 1, 1.0 and 01 are one, and Dead and dead."""
    try:
        return f"{float(word):g}"
    except ValueError:
        return word.strip().casefold()


class PatientTable(Settings):
    """A modality: what some columns of a table say of each patient."""

    path: RawPath = Field(description="CSV or TSV file with the patients' rows, also .gz")
    key: str = Field(
        description="column of the patient, written as in the cohort; of TCGA also barcodes of"
        " samples and slides. Rows of one patient must agree"
    )
    columns: list[str] = Field(
        min_length=1,
        description="headings, or patterns such as *_mut: numbers, or up to ten words, each of"
        " which becomes a column of 0 and 1. Empty cells and NA are unknown, never 0. A column that"
        " is the target itself is refused before training",
    )
    unknown: list[str] | None = Field(
        None,
        description="what else says that nothing is known, as ['-9999', '9']; null: nothing does,"
        " and a column in which -9999, 999 or -1 stands far from all other numbers is refused; []:"
        " nothing does, and such numbers are values",
    )


class Survival(Settings):
    """How long each patient was followed, and whether the event ended it."""

    path: RawPath = Field(description="CSV or TSV file, also .gz")
    key: str = Field(description="column of the patient")
    months: str = Field(
        description="column of the time until the event or the last contact, > 0; in months, unless"
        " the heading names days, weeks or years, or the cells do"
    )
    event: str = Field(description="column that says whether the event happened")
    happened: str = Field(
        description="what that column says where the event (death) happened. Tables differ: 1 may"
        " be an event or a censoring, and nothing but their maker's word can tell"
    )
    censored: str = Field(
        description="what it says where it had not, yet. Other words are unknown, and the patient"
        " has no survival"
    )

    @field_validator("censored")
    @classmethod
    def _is_another_word(cls, censored: str, info: ValidationInfo) -> str:
        if plain_word(censored) == plain_word(info.data.get("happened", "")):
            raise ValueError("happened and censored are the same word; say what each means")
        return censored


class PatientTables(Settings):
    """What is known of patients beside their images."""

    tables: dict[Name, PatientTable] = Field(
        min_length=1, max_length=MOST, description="modalities by name, such as clinical and genes"
    )
    survival: Survival | None = Field(None, description="for experiments with target: survival")

    @field_validator("tables")
    @classmethod
    def _leave_the_image_its_name(cls, tables: dict[str, PatientTable]) -> dict[str, PatientTable]:
        if IMAGE in tables:
            raise ValueError(f"{IMAGE!r} is what the images are called; choose another name")
        return tables

    def paths(self) -> dict[str, list[Path]]:
        """The files, by the cohort's key that names each."""
        found = {f"patients.tables.{name}.path": [t.path] for name, t in self.tables.items()}
        return found | ({"patients.survival.path": [self.survival.path]} if self.survival else {})

    def headings(self) -> list[tuple[Path, list[tuple[str, str]]]]:
        """The headings that each file must have, with the cohort's key that says so."""
        found = []
        for name, table in self.tables.items():
            place = f"patients.tables.{name}"
            plain = [(f"{place}.columns", c) for c in table.columns if not set(c) & set("*?[")]
            found.append((table.path, [(f"{place}.key", table.key), *plain]))
        if self.survival:
            named = self.survival.model_dump(include={"key", "months", "event"})
            found.append(
                (self.survival.path, [(f"patients.survival.{k}", v) for k, v in named.items()])
            )
        return found
