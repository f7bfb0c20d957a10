"""The user's table: one row an image, its patient, labels, text and covariates."""

from __future__ import annotations

import logging
import re
import unicodedata

import pandas as pd

from medsynth.cohorts.files import set_aside
from medsynth.cohorts.findings import NEGATIVE, POSITIVE, UNCERTAIN, label_findings
from medsynth.cohorts.images.patients import plain_ids, with_columns_of_patients
from medsynth.cohorts.images.table_settings import ImagesIndex
from medsynth.cohorts.labels import check_classes, read_csv
from medsynth.genomics.ages import read_ages
from medsynth.store.manifests import EXCLUDED, QUARANTINED, TEST, TRAIN, USED, VALIDATE
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.absence import is_absent, present
from medsynth.store.tables.delimited import form_of
from medsynth.store.tables.header import headings_of, missing_columns, repeated_column
from medsynth.store.tables.spelling import did_you_mean

FEW = 20  # values of a class
SHOWN = 3  # of what is written in several ways

log = logging.getLogger(__name__)

PATIENTS = (
    ". Without patients nothing can be divided: correct columns.patient, or, if no two images are"
    " of one patient, leave it out and state one_image_one_patient: true"
)
SEXES = {
    **dict.fromkeys(["f", "female", "w", "woman", "girl"], "female"),
    **dict.fromkeys(["m", "male", "man", "boy"], "male"),
}
VALUES = {  # of a finding; what is empty or says so is not known
    **dict.fromkeys(["1", "1.0", "yes", "y", "true", "present", "positive"], POSITIVE),
    **dict.fromkeys(["0", "0.0", "no", "n", "false", "absent", "negative"], NEGATIVE),
    **dict.fromkeys(["-1", "-1.0", "uncertain"], UNCERTAIN),
}
SPLIT_WORDS = {
    **dict.fromkeys(["train", "training"], TRAIN),
    **dict.fromkeys(["validate", "validation", "valid", "val", "dev"], VALIDATE),
    **dict.fromkeys(["test", "testing"], TEST),
}


def read_rows(settings: ImagesIndex) -> pd.DataFrame:
    """The table with the manifest's names of its columns.

    Returns:
        DataFrame(source, source_ROLE, mask, patient, group, label, label_NAME, text, slice, frame,
        split_hint, covariates, status, reason), as far as the table has them. Equal rows are
        one, and cells that say NA or the like are null, but for the files'. Excluded: not_kept,
        no_label, absent_label. Quarantined: bad_identifier (no file is named),
        no_patient, bad_slice. Both: those of label_findings.

    Raises:
        CohortError: the table or a column is missing; identifiers, labels or splits that are
            written in several ways or contradict each other; findings neither yes nor no.
    """
    columns = settings.columns
    table, named = read_csv(settings.table, []), [*columns.headings(), *settings.keep]
    beside = settings.patients
    own = [heading for heading in named if not beside or heading not in beside.columns]
    if missing := [heading for heading in own if heading not in table]:
        told = f"{settings.table}: {missing_columns(missing, list(table.columns))}"
        raise CohortError(told + (PATIENTS if columns.patient in missing else ""))
    if twice := repeated_column(own, headings_of(settings.table)):
        raise CohortError(f"{settings.table}: {twice}")
    if beside:
        table = with_columns_of_patients(table, settings, beside)
    table = table.dropna(how="all")
    names = columns.sources()
    for k, heading in enumerate(columns.labels or columns.findings or []):
        names["label" if k == 0 and columns.labels else f"label_{heading}"] = heading
    single = {"patient": columns.patient, "group": columns.group, "text": columns.text}
    single |= {"mask": columns.mask, "slice": columns.slice, "frame": columns.frame}
    single |= {"split_hint": columns.split}
    names |= {name: heading for name, heading in single.items() if heading} | columns.covariates
    frame = pd.DataFrame({name: table[heading] for name, heading in names.items()})
    unnamed = is_absent(frame["label"]) if columns.labels else pd.Series(False, frame.index)
    described = [name for name in names if name not in columns.sources()]
    frame[described] = frame[described].apply(present)
    frame = frame.assign(status=USED, reason=None)
    kept = pd.DataFrame({c: table[c].isin(values) for c, values in settings.keep.items()})
    for column, values in settings.keep.items():
        _check_kept(table[column], values, f"{settings.table}: column {column!r}")
    if settings.keep:
        set_aside(frame, ~kept.all(axis=1), EXCLUDED, "not_kept")
    set_aside(frame, unnamed, EXCLUDED, "absent_label")
    frame = frame.drop_duplicates(ignore_index=True)
    set_aside(
        frame, frame[list(columns.sources())].isna().any(axis=1), QUARANTINED, "bad_identifier"
    )
    if columns.patient:
        _read_patients(frame, settings)
    for position, heading in enumerate(columns.labels or []):
        name = "label" if position == 0 else f"label_{heading}"
        _check_spelling(frame[name], f"{settings.table}: labels in {heading!r}")
    if columns.findings:
        _read_findings(frame, columns.findings, settings)
    elif columns.labels:
        check_classes(frame["label"], f"{settings.table}: labels")
        set_aside(frame, frame["label"].isna(), EXCLUDED, "no_label")
    for name in {"slice", "frame"} & set(frame):
        _read_place(frame, name)
    for name in columns.covariates:
        _read_covariate(frame, name, settings)
    if columns.split:
        _read_splits(frame, settings)
    return frame


def _check_kept(cells: pd.Series, values: list[str], where: str) -> None:
    there = cells.dropna().unique()
    for value in values:
        if value not in there:
            near = did_you_mean(value, there) or "take a value that is there"
            raise CohortError(f"{where} has no {value!r}, which index.keep asks for; {near}")


def _read_patients(frame: pd.DataFrame, settings: ImagesIndex) -> None:
    frame["patient"] = plain_ids(frame["patient"])
    where = f"{settings.table}: patients in {settings.columns.patient!r}"
    _check_spelling(frame["patient"], where, people=True)
    set_aside(frame, frame["patient"].isna(), QUARANTINED, "no_patient")


def _check_spelling(words: pd.Series, what: str, people: bool = False) -> None:
    """Refuse words that are one but for capitals, spaces, or zeros before a number.

    One patient under two names could be trained and tested on; one class would be two.
    """

    def plain(word: str) -> str:
        word = unicodedata.normalize("NFKC", word)
        word = re.sub(r"[\s_]+", " ", word).casefold().removesuffix(".0")
        return re.sub(r"^([^\W\d]*[ -]?)0+(?=\d+$)", r"\1", word)

    different = pd.Series(words.dropna().unique(), dtype="str")
    plainly_written = different.map(plain)
    twice = plainly_written.duplicated(keep=False)
    if not twice.any():
        return
    ways = different[twice].groupby(plainly_written[twice]).agg(list)
    n = plainly_written.nunique()
    # Of few values that recur; others may be people's names, of which the form must do.
    plainly = n <= FEW and 2 * n <= words.count() and not people
    shown = [
        " and ".join(sorted({repr(word if plainly else form_of(word)) for word in each}))
        for each in ways[:SHOWN]
    ]
    masked = "" if plainly else " (a stands for any letter, 0 for any digit)"
    more = ", …" if len(ways) > SHOWN else ""
    raise CohortError(
        f"{what}: {len(ways)} are written in several ways, which differ in capitals, spaces or"
        f" leading zeros only: {', '.join(shown)}{more}{masked}; write each in one way"
    )


def _read_findings(frame: pd.DataFrame, findings: list[str], settings: ImagesIndex) -> None:
    """The label from columns that say yes or no, in place. An empty cell says neither."""
    cells = pd.DataFrame({name: frame.pop(f"label_{name}") for name in findings})
    values = cells.apply(lambda words: words.str.lower().map(VALUES))
    if wrong := [name for name in findings if (cells[name].notna() & values[name].isna()).any()]:
        raise CohortError(
            f"{settings.table}: findings in {', '.join(map(repr, wrong))} are neither 1, 0, -1 nor"
            " yes, no, uncertain; correct them, or name the column of the class as columns.labels"
        )
    label_findings(
        frame,
        values.astype(float),
        uncertain=settings.uncertain,
        empty=settings.empty,
        several=settings.several,
    )


def _read_place(frame: pd.DataFrame, name: str) -> None:
    """Whole numbers from 0, in place; they may be written 17.0."""
    cells = frame[name].str.replace(r"\.0+$", "", regex=True)
    whole = cells.str.fullmatch(r"\d{1,6}", na=False)
    set_aside(frame, cells.notna() & ~whole, QUARANTINED, "bad_slice")
    frame[name] = pd.to_numeric(cells.where(whole)).astype("Int64")


def _read_covariate(frame: pd.DataFrame, name: str, settings: ImagesIndex) -> None:
    """Ages and sexes, in place; other covariates stay what they are, if written in one way."""
    heading, cells = settings.columns.covariates[name], frame[name]
    if name == "age":
        frame[name], _ = read_ages(cells, heading, newborns=True)
    elif name == "sex":
        frame[name] = cells.str.lower().map(SEXES).astype("str")
    else:
        _check_spelling(cells, f"{settings.table}: {name} in {heading!r}")
        return
    unread, filled = int((cells.notna() & frame[name].isna()).sum()), int(cells.notna().sum())
    if filled and unread == filled:
        expected = "an age" if name == "age" else f"a sex ({', '.join(sorted(SEXES))})"
        raise CohortError(
            f"{settings.table}: none of the {filled} values in {heading!r} is {expected}; correct"
            f" the column, or leave {name} out of columns.covariates"
        )
    log.log(
        logging.WARNING if unread else logging.INFO,
        f"{name}: %d cells empty, %d not understood and left empty, of %d",
        *(len(cells) - filled, unread, len(cells)),
    )


def _read_splits(frame: pd.DataFrame, settings: ImagesIndex) -> None:
    where = f"{settings.table}: column {settings.columns.split!r}"
    splits = frame["split_hint"].str.lower().map(SPLIT_WORDS).astype("str")
    if strange := int((frame["split_hint"].notna() & splits.isna()).sum()):
        raise CohortError(
            f"{where} holds words other than train, validate and test in {strange} rows; correct"
            " them"
        )
    frame["split_hint"] = splits
    if gaps := int((splits.isna() & (frame["status"] == USED)).sum()):
        raise CohortError(
            f"{where} is empty in {gaps} rows; say train, validate or test in each of them, or"
            " leave columns.split out, and patients are divided at random"
        )
    if "patient" in frame:
        usable = frame[frame["status"] == USED]
        if torn := int((usable.groupby("patient")["split_hint"].nunique() > 1).sum()):
            raise CohortError(
                f"{where} puts {torn} patients in two splits; give all images of a patient the same"
            )
