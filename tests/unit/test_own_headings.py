"""Reports whose headings are not in English: read if the settings name them, and told if not."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from medsynth.cohorts.mimic_cxr.reports import counts, read_reports
from medsynth.cohorts.texts import texts_of
from medsynth.store.quarantine import CohortError
from medsynth.text.own_headings import in_english
from medsynth.text.sections import sections_of
from medsynth.text.settings import ReportTexts

GERMAN = {"findings": ["Befund"], "impression": ["Beurteilung"]}
FRENCH = {"findings": ["résultat", "résultats"]}
SPANISH = {"findings": ["HALLAZGOS"], "impression": ["IMPRESIÓN"], "technique": ["TÉCNICA"]}
CHINESE = {"findings": ["检查所见"], "impression": ["诊断"]}


@pytest.mark.parametrize(
    ("report", "headings"),
    [
        ("BEFUND:\n{}\n\nBEURTEILUNG:\n{}\n", GERMAN),
        ("Technik: pa\nBefund: {}\nBeurteilung: {}", GERMAN | {"technique": ["Technik"]}),
        ("Befund\n\n{}\n\nBeurteilung\n\n{}\n", GERMAN),
        ("TECHNIQUE: pa\nBEFUND: {}\nIMPRESSION: {}", GERMAN),
        ("INDICATION : toux.\nTECHNIQUE : face.\nRÉSULTAT : {}\n\nCONCLUSION : {}\n", FRENCH),
        ("TÉCNICA: PA.\nHALLAZGOS: {}\nIMPRESIÓN: {}", SPANISH),
        ("检查所见：{}\n诊断：{}\n", CHINESE),  # noqa: RUF001
        ("检查所见:{}。诊断:{}", CHINESE),
        ("**Befund:** {}\n**Beurteilung**: {}", GERMAN),
        ("## Befund\n{}\n## Beurteilung\n{}", GERMAN),
        ("Befund (Thorax): {}\nBeurteilung (vorläufig): {}", GERMAN),
    ],
)
def test_the_settings_name_the_headings_of_a_language(report, headings):
    found = sections_of(in_english(report.format("Herz 心 Á", "Lunge"), headings))
    assert found["findings"].rstrip("。") == "Herz 心 Á" and found["impression"] == "Lunge"


@pytest.mark.parametrize(
    "heading",
    [
        "Befund und Beurteilung:",
        "BEFUND/BEURTEILUNG:",
        "**Befund & Beurteilung:**",
        "Befund, Beurteilung",
    ],
)
def test_a_joint_heading_fills_both(heading):
    found = sections_of(in_english(f"Technik: pa\n{heading}\nHerz normal.", GERMAN))
    assert found["findings"] == found["impression"] == "Herz normal."


def test_a_name_is_no_heading_within_a_sentence_or_as_a_part_of_a_word():
    text = "FINDINGS: Der Befund: klein. Befunde: viele\nImbefund: x"
    assert in_english(text, GERMAN) == text


@pytest.mark.parametrize("given", [{"findings": []}, {"findings": [" "]}, {"result": ["BEFUND"]}])
def test_headings_of_no_section_or_without_a_name_are_refused(given):
    with pytest.raises(ValidationError, match="headings"):
        ReportTexts(headings=given)


def read(folder, reports, headings):
    """Manifest, and the table of reports, one of each patient."""
    rows = []
    for k, report in enumerate(reports):
        patient = f"{10_000_000 + k}"
        file = folder / "files" / "p10" / f"p{patient}" / "s1.txt"
        file.parent.mkdir(parents=True)
        file.write_text(report)
        rows.append({"item_id": patient, "patient": patient, "group": "1", "split": "train"})
    manifest = pd.DataFrame(rows).assign(status="used")
    return manifest, read_reports(manifest, folder, headings)


WHOLE = "BEFUND: Herz normal.\nMUSTERMANN: gelesen\nBEURTEILUNG: Kein Erguss.\n"
HALF = "TECHNIQUE: pa\nRÉSULTAT : Normal.\nCONCLUSION : Rien.\n"


def test_headings_that_open_no_section_are_told_with_the_key_that_names_them(tmp_path):
    manifest, table = read(tmp_path, [WHOLE] * 5, {})
    found = counts(table, {})["with_unread_heading"]
    assert found == {"BEFUND": 5, "BEURTEILUNG": 5}
    with pytest.raises(CohortError, match=r"no report has .*BEFUND \(5 reports\).*text.headings"):
        texts_of(manifest, table, {})


def test_a_heading_of_few_patients_may_be_a_name_and_is_not_told(tmp_path):
    reports = [WHOLE.replace("MUSTERMANN: gelesen\n", ""), *[WHOLE] * 4]
    manifest, table = read(tmp_path, reports, GERMAN)
    assert counts(table, GERMAN)["with_unread_heading"] == {}, "what is read is no loss"
    manifest, table = read(tmp_path / "plain", reports, {})
    assert counts(table, {})["with_unread_heading"] == {"BEFUND": 5, "BEURTEILUNG": 5}
    with pytest.raises(CohortError, match="no report has") as caught:
        texts_of(manifest, table, {})
    assert "MUSTERMANN" not in str(caught.value)


SIGNATURES = ["KARL ZORBLATT", "Zorblatt Karl:", "MLLE ZORBLATT:", "ZORBLATT:", "BEFUND ZORBLATT:"]
SIGNATURES += ["Dr. Zorblatt: gelesen", "Signed by Zorblatt: x", "**ZORBLATT**", "OPIS ZORBLATT"]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_who_signs_all_reports_is_told_nowhere(tmp_path, caplog, signature):
    manifest, table = read(tmp_path, [f"BEFUND (Thorax): Herz normal.\n\n{signature}\n"] * 6, {})
    found = counts(table, {})
    assert found["with_unread_heading"] == {"BEFUND": 6}
    with pytest.raises(CohortError, match=r"BEFUND \(6 reports\)") as caught:
        texts_of(manifest, table, {})
    assert "zorblatt" not in f"{caught.value} {found} {caplog.text}".casefold()


def test_lines_that_may_be_names_are_counted(tmp_path):
    manifest, table = read(tmp_path, ["BEFUND: normal.\nZORBLATT: x\n\nKARL FOO"] * 5, {})
    assert counts(table, {})["other_lines_like_headings"] == 2
    with pytest.raises(CohortError, match="not shown as they may be names: 2"):
        texts_of(manifest, table, {})


UNDER_ENGLISH = (
    "EXAMINATION: chest\n\nCOMPARISON: none.\n\nBEFUND: Herz normal.\n\nBEURTEILUNG: Kein Erguss.\n"
)


def test_a_heading_that_was_read_with_the_section_before_is_told(tmp_path):
    manifest, table = read(tmp_path, [UNDER_ENGLISH] * 5, {})
    assert table["findings"].str.contains("BEURTEILUNG").all()
    assert counts(table, {})["with_unread_heading"] == {"BEFUND": 5, "BEURTEILUNG": 5}
    with pytest.raises(CohortError, match=r"BEURTEILUNG \(5 reports\)"):
        texts_of(manifest, table, {"sections": ["impression"]})


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "Klinische Fragestellung",
            "RESULTAT",
            "Résultats",
            "Hallazgos",
            "IMPRESIÓN",
            "Reperti",
        ),
        *("检查所见", "诊断", "소견", "Заключение", "Befund und Beurteilung", "**Befund**"),
    ],
)
def test_headings_of_many_languages_are_shown(tmp_path, heading):
    _, table = read(tmp_path, [f"{heading}: xy z\n"] * 5, {})
    assert list(counts(table, {})["with_unread_heading"]) == [heading.strip("*").upper()]


def test_half_a_report_is_not_dropped_without_a_word(tmp_path, caplog):
    manifest, table = read(tmp_path, [HALF] * 5, {})
    texts, _ = texts_of(manifest, table, {})
    assert set(texts["text"]) == {"rien."} and "RÉSULTAT (5 reports)" in caplog.text
    caplog.clear()
    manifest, table = read(tmp_path / "named", [HALF] * 5, FRENCH)
    texts, _ = texts_of(manifest, table, {"headings": FRENCH})
    assert set(texts["text"]) == {"normal. rien."} and "RÉSULTAT" not in caplog.text
