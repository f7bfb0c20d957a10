"""How the texts of a cohort are taken, cleaned and cut into tokens."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from medsynth.runtime.settings import Settings

Section = Literal["findings", "impression", "indication", "history", "comparison", "technique"]
Heading = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
PLACE = re.compile(r"\{(\w+)\}")  # of a value in a template


class TextSettings(Settings):
    """What every cohort's texts have."""

    min_patients: int = Field(
        3,
        ge=1,
        le=10_000,
        description="a word that the texts of fewer training patients hold becomes ___, in every"
        " split, so that no name is learned; 1 keeps all words, for texts that name nobody",
    )
    vocabulary: int = Field(
        2048,
        ge=259,
        le=100_000,
        description="tokens at most: 3 marks, the 256 bytes, and pairs that the texts of the"
        " training split hold often (byte-level BPE)",
    )
    longest: int = Field(
        128, ge=8, le=4096, description="tokens of a text; longer ones are cut, which is counted"
    )


class ReportTexts(TextSettings):
    """Texts out of radiology reports."""

    sections: list[Section] = Field(
        ["findings", "impression"],
        min_length=1,
        description="sections of a report that make its text, in this order; a report without any"
        " of them has no text",
    )
    headings: dict[Section, Annotated[list[Heading], Field(min_length=1)]] = Field(
        {},
        description="what sections are called where not in English, as {findings: [BEFUND],"
        " impression: [BEURTEILUNG]}, in any case; headings that open no section are counted in"
        " reports.json",
    )


class TableTexts(TextSettings):
    """Texts out of the table of the images."""

    template: str | None = Field(
        None,
        min_length=1,
        description="text made of columns, as 'brain MR, {idh} {histology}, grade {grade}': names"
        " of covariates, label or label_NAME in braces; between two commas, what names only"
        " unknown values is left out. null: the column index.columns.text",
    )
    words: dict[str, dict[str, str]] = Field(
        {},
        description="words of the template by column and value, as {histology: {'1': astrocytoma}};"
        " of these columns other values count as unknown",
    )

    @field_validator("template")
    @classmethod
    def _names_columns(cls, template: str | None) -> str | None:
        if template is not None and not PLACE.search(template):
            raise ValueError("names no column in braces: all texts would be the same")
        if template is not None and re.search("[{}]", PLACE.sub("", template)):
            raise ValueError(
                "has a brace that belongs to no name of letters, digits and _; texts would show it:"
                " write {NAME}, and rename other columns in index.columns.covariates"
            )
        return template

    @field_validator("words")
    @classmethod
    def _are_of_the_template(
        cls, words: dict[str, dict[str, str]], info: ValidationInfo
    ) -> dict[str, dict[str, str]]:
        template = info.data.get("template") or ""
        if strange := sorted(set(words) - set(PLACE.findall(template))):
            raise ValueError(f"{', '.join(strange)} stands nowhere in the template; correct one")
        return words

    def places(self) -> list[str]:
        """Columns of the manifest that the template names."""
        return PLACE.findall(self.template or "")
