"""The text of every item of a cohort, cleaned, and the tokenizer that its texts teach."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from medsynth.cohorts.files import set_aside
from medsynth.store.manifests import QUARANTINED, TRAIN, USED, used
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.absence import present
from medsynth.text.cleaning import (
    has_words,
    is_no_text,
    known_words,
    only_known,
    without_identifiers,
)
from medsynth.text.own_headings import COLUMNS as UNDER_HEADINGS
from medsynth.text.own_headings import unread_headings
from medsynth.text.settings import PLACE, ReportTexts, TableTexts, TextSettings
from medsynth.text.tokenizer import Tokenizer, train_tokenizer

log = logging.getLogger(__name__)

COLUMNS = ["item_id", "patient", "split"]


def of_reports(manifest: pd.DataFrame, reports: pd.DataFrame, settings: ReportTexts) -> pd.Series:
    """The asked-for sections of each item's report, joined; null where there is none of them.

    Where there is none because the report is in another encoding than UTF-8, which hides its
    headings, it is the whole report.

    Args:
        manifest: item manifest.
        reports: of the studies, as :func:`medsynth.cohorts.mimic_cxr.reports.read_reports` reads.
    """
    keys = ["patient", "group"]
    found = manifest[keys].merge(reports.drop_duplicates(keys), on=keys, how="left")
    sections = found[settings.sections].fillna("")
    texts = sections.agg("\n".join, axis=1).str.strip()
    whole = found["text"].where(found["text"].fillna("").map(is_no_text))
    return texts.where(texts != "", whole).set_axis(manifest.index)


def _tell_unread(reports: pd.DataFrame, settings: ReportTexts, none_read: bool) -> None:
    """Headings that open no section: a warning, or an error where no section was read at all."""
    found = unread_headings(reports[UNDER_HEADINGS].fillna("").to_numpy(), settings.headings)
    named = ", ".join(f"{heading} ({n} reports)" for heading, n in found.named.items())
    told = (
        f"headings that open no section: {named}; name those in text.headings that do, as"
        " {findings: [BEFUND]}, or what stands below them is not read, or with the section before"
        if found.named
        else "headings are known in English; name others in text.headings, as {findings: [BEFUND]}"
    )
    if found.others:
        told += f" (further lines like headings, not shown as they may be names: {found.others})"
    if none_read:
        raise CohortError(
            f"no report has one of the sections {', '.join(settings.sections)} (text.sections):"
            f" {told}"
        )
    if found.named or found.others:
        log.warning("%s", told)


def of_table(manifest: pd.DataFrame, settings: TableTexts) -> pd.Series:
    """Each item's own text, or the one that the template makes of its columns; null without.

    Raises:
        CohortError: the words of a column are those of none of its values.
    """
    if settings.template is None:
        return manifest["text"]
    parts = settings.template.split(",")
    cells = manifest[list(dict.fromkeys(settings.places()))].astype("str")
    # A spreadsheet makes 2.0 of 2 where a cell of the column is empty.
    values = cells.apply(
        lambda words: present(words.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True))
    )
    for column, words in settings.words.items():
        known = values[column].dropna()
        if len(known) and not known.isin(words.keys()).any():
            raise CohortError(
                f"text.words.{column}: none of {list(words)} is a value of the"
                " column, so that no text would tell it; write them as the table does"
            )
        values[column] = values[column].map(words).astype("str")
    rows = values.to_dict("records")
    return pd.Series([_filled(parts, row) for row in rows], manifest.index, dtype="str")


def _filled(parts: list[str], row: Mapping[str, Any]) -> str | None:
    """The parts that name no column or a known value; null if the latter are none."""
    known = {name: value for name, value in row.items() if not pd.isna(value)}
    told, kept = False, []
    for part in parts:
        places = PLACE.findall(part)
        if places and not known.keys() & set(places):
            continue
        told |= bool(places)
        filled = PLACE.sub(lambda place: str(known.get(place[1], "")), part)
        kept.append(" ".join(filled.split()))
    return ", ".join(kept) if told else None


def prepare_texts(
    manifest: pd.DataFrame, raw: pd.Series, settings: TextSettings
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Clean the texts, and learn of the training split which words and pairs there are.

    Args:
        manifest: used rows of the item manifest.
        raw: the text of each row.
        settings: how many patients a word must have; sizes.

    Returns:
        DataFrame(item_id, patient, split, text, cut, status, reason), a row an item, text null
        where it is not used; and what :class:`medsynth.text.tokenizer.Tokenizer` takes. `cut` says
        that the text is longer than an encoded one. Quarantined: no_text, not_text, masked_text.

    Raises:
        CohortError: no text of the training split can be used.
    """
    table = manifest[COLUMNS].assign(text=raw.astype("str"), cut=False, status=USED, reason=None)
    text = table["text"]
    set_aside(table, text.isna() | (text.str.strip() == ""), QUARANTINED, "no_text")
    set_aside(table, text.fillna("").map(is_no_text), QUARANTINED, "not_text")
    usable = table["status"] == USED
    plain = text[usable].map(without_identifiers)
    train = usable & (table["split"] == TRAIN)
    words = known_words(plain[train], table.loc[train, "patient"], settings.min_patients)
    known = frozenset(words)
    table["text"] = plain.map(lambda text: only_known(text, known)).reindex(table.index)
    empty = pd.Series([pd.isna(one) or not has_words(one) for one in table["text"]], table.index)
    set_aside(table, empty, QUARANTINED, "masked_text")
    usable = table["status"] == USED
    table["text"] = table["text"].where(usable)
    train = usable & (table["split"] == TRAIN)
    if not train.any():
        raise CohortError(
            f"none of the {int((table['split'] == TRAIN).sum())} training images has a text with a"
            f" word that {settings.min_patients} patients share; correct where texts are taken from"
            " (text.sections, text.template or index.columns.text), or lower text.min_patients"
        )
    content = train_tokenizer(table.loc[train, "text"], words, settings)
    lengths = Tokenizer(content).lengths(table.loc[usable, "text"])
    table.loc[usable, "cut"] = lengths > settings.longest
    return table, content


def counts(table: pd.DataFrame, content: Mapping[str, Any]) -> dict[str, Any]:
    """How many texts there are, why others are none, and what of them is known."""
    texts = table[table["status"] == USED]
    return {
        "items": len(table),
        "with_text": len(texts),
        "training_texts": int((texts["split"] == TRAIN).sum()),
        "different_training_texts": texts.loc[texts["split"] == TRAIN, "text"].nunique(),
        "cut": int(texts["cut"].sum()),
        "with_masked_words": int(texts["text"].str.contains("___").sum()),
        "quarantined": table["reason"].value_counts().to_dict(),
        "words": len(content["words"]),
        "tokens": Tokenizer(content).size,
    }


def texts_of(
    manifest: pd.DataFrame, reports: pd.DataFrame | None, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """As :func:`prepare_texts`, of the reports or, where there are none, of the table.

    Args:
        manifest: item manifest.
        reports: of the cohort's studies.
        settings: those of the cohort's group `text`.

    Raises:
        CohortError: as there, or no report has a section that is asked for.
    """
    items = used(manifest)
    if reports is not None:
        of_report = ReportTexts(**settings)
        texts = of_reports(items, reports, of_report)
        _tell_unread(reports, of_report, none_read=(texts.fillna("") == "").all())
        return prepare_texts(items, texts, of_report)
    own = TableTexts(**settings)
    return prepare_texts(items, of_table(items, own), own)
