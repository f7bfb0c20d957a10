"""Texts of a cohort: cleaned of who they are about, counted where unusable, and cut into tokens."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from medsynth.cohorts.mimic_cxr.reports import read_reports
from medsynth.cohorts.texts import counts, of_reports, of_table, prepare_texts, texts_of
from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.lineage.collector import drain
from medsynth.lineage.erasure.mlflow_copies import MlflowCopies
from medsynth.lineage.queries.impact import impact
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.prompts import PromptError, usable_prompt
from medsynth.store.layout import Layout
from medsynth.store.quarantine import CohortError
from medsynth.store.wording import REASONS
from medsynth.text.cleaning import is_no_text, known_words, only_known
from medsynth.text.settings import ReportTexts, TableTexts, TextSettings
from medsynth.text.tokenizer import END, PAD, START, Tokenizer
from tests.unit.erasure_study import PATIENT, paths

pytest_plugins = ["tests.unit.erasure_fixtures"]
DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())

PLAIN = "The heart is enlarged. Nodule of 1.5 cm at T12, grade 3."


def items(texts, split="train"):
    rows = [
        {"item_id": f"i{k}", "patient": f"p{k}", "group": f"g{k}", "split": split, "status": "used"}
        for k, _ in enumerate(texts)
    ]
    return pd.DataFrame(rows), pd.Series(texts, dtype="str")


def prepared(texts, split="train", **settings):
    return prepare_texts(*items(texts, split), TextSettings(**settings))


def test_a_word_stays_where_enough_patients_have_it_however_often_one_says_it():
    texts, patients = ["rare rare common", "rare common", "common"], ["p", "p", "q"]
    assert known_words(texts, patients, 2) == ["common"]
    assert known_words(texts, patients, 1) == ["common", "rare"]
    assert only_known("rare common, rare rare", {"common"}) == "___ common, ___"


def test_without_a_patient_what_only_they_made_common_is_gone():
    texts = ["the lungs are clear", "the lungs are clear, granuloma", "the lungs, granuloma"]
    manifest, raw = items([*texts, "the lungs are clear, granuloma"])
    _, before = prepare_texts(manifest, raw, TextSettings())
    table, after = prepare_texts(manifest[:3], raw[:3], TextSettings())
    assert "granuloma" in before["words"] and "granuloma" not in json.dumps(after)
    assert "p3" not in set(table["patient"]) and table["text"].iloc[1] == "the lungs ___"


def test_a_withdrawal_destroys_the_texts_and_asks_for_another_tokenizer(study):
    home = "results/cohorts/a"
    index = pd.read_parquet(study.folder / f"{home}/index.parquet")
    table, content = prepare_texts(
        index.assign(split="train"), pd.Series(["x y z"] * len(index)), TextSettings(min_patients=2)
    )
    made = {f"{home}/texts.parquet": table}
    made |= {f"{home}/tokenizer.json": json.dumps(content).encode()}
    study.job("prepare_texts", [f"{home}/index.parquet"], made)
    study.job("train", list(made), {"results/t/model.safetensors": b"weights"})
    drain(study.results, study.ledger)
    found = study.ask(PATIENT)
    assert f"{home}/texts.parquet" in paths(found["destroy"])
    assert {f"{home}/tokenizer.json", "results/t/model.safetensors"} <= set(paths(found["redo"]))


def test_a_withdrawal_removes_the_tokenizer_and_its_cards_from_mlflow_too(study, monkeypatch):
    home = "results/cohorts/a"
    made = {f"{home}/tokenizer.json": b"{}"}
    study.job("prepare_texts", [f"{home}/index.parquet"], made)
    study.job("train", list(made), {"results/t/model.json": b"{}", "results/t/history.csv": b""})
    study.job("prepare_texts", ["results/cohorts/b/index.parquet"], {"results/tokenizer.json": b""})
    drain(study.results, study.ledger)
    copies, removed = MlflowCopies(study.results, study.ledger), []
    monkeypatch.setattr(study.ledger, "item", lambda job: {"run_id": job})
    monkeypatch.setattr(copies, "remove_file", lambda client, run, path: removed.append(path))
    copies.remove(impact(study.results, PATIENT))
    assert {f"{home}/tokenizer.json", "results/t/model.json"} <= set(removed)
    assert not {"results/tokenizer.json", "results/t/history.csv"} & set(removed)


def test_unusable_texts_are_quarantined_with_their_reason_and_long_ones_are_cut():
    long = "the lungs are clear . " * 2500
    texts = [PLAIN] * 3 + ["", "  ", None, b"Gr\xf6\xdfe".decode(errors="replace"), "a\x00b", "肺"]
    table, content = prepared([*texts, long])
    assert table["reason"].tolist()[3:-1] == ["no_text"] * 3 + ["not_text"] * 2 + ["masked_text"]
    assert table.loc[table["status"] != "used", "text"].isna().all()
    assert table["cut"].tolist() == [False] * 9 + [True]
    found = counts(table, content)
    assert found["quarantined"] == {"no_text": 3, "not_text": 2, "masked_text": 1}
    assert (found["items"], found["with_text"], found["cut"]) == (10, 4, 1)
    with pytest.raises(CohortError, match=r"none of the 2 training images.*text.min_patients"):
        prepared(["lungs", "heart"])


def test_texts_go_to_numbers_and_back():
    texts = [PLAIN, "the größe is größe", "肺は 正常 <pad> ___"]
    table, content = prepared(texts, min_patients=1)
    tokenizer, again = Tokenizer(content), Tokenizer(prepared(texts, min_patients=1)[1])
    assert json.dumps(content) == json.dumps(again.content)
    rows = tokenizer.encode(table["text"].tolist())
    assert rows.shape == (3, 128) and rows.max() < tokenizer.size
    assert (rows[:, 0] == START).all() and ((rows == END).sum(1) == 1).all()
    assert tokenizer.decode(rows) == table["text"].tolist()
    assert ((rows != PAD).sum(1) == tokenizer.lengths(table["text"])).all()
    never_seen = tokenizer.encode(["ŷ"])
    assert tokenizer.decode(never_seen) == ["ŷ"], "all bytes are in the vocabulary"
    assert tokenizer.decode(np.array([[START, PAD, PAD]])) == [""]


def test_a_text_that_is_cut_has_no_end_and_a_prompt_is_cleaned_as_the_training_was():
    _, content = prepared([PLAIN] * 3, longest=8)
    tokenizer = Tokenizer(content)
    (row,) = tokenizer.encode([tokenizer.clean(PLAIN)])
    assert len(row) == 8 and END not in row and PAD not in row
    assert tokenizer.clean("The  HEART of Dr. Quixote, enlarged") == "the heart of ___, enlarged"
    assert tokenizer.unknown("The HEART of Okonkwo enlarged okonkwo") == ["okonkwo"]


@pytest.mark.parametrize("prompt", ["heart \udcf6", "heart \x00", "heart \ufffd"])
def test_a_prompt_that_is_no_utf8_is_refused(prompt):
    with pytest.raises(PromptError, match="no text in UTF-8"):
        usable_prompt(prompt, Tokenizer(prepared([PLAIN] * 3)[1]))


def test_sections_of_a_report_are_joined_in_the_order_asked_for():
    manifest, _ = items(["a", "b", "c"])
    reports = pd.DataFrame({"patient": ["p0", "p1"], "group": ["g0", "g1"]}).assign(
        findings=["F.", None], impression=["I.", None], history=["H.", "H."], text="whole"
    )
    texts = of_reports(manifest, reports, ReportTexts(sections=["impression", "findings"]))
    assert texts[0] == "I.\nF." and texts[1:].isna().all()
    table, _ = texts_of(manifest, reports, {"min_patients": 1, "sections": ["findings"]})
    assert table["text"].tolist()[0] == "f." and table["reason"].tolist()[1:] == ["no_text"] * 2


ENCODED = "FINDINGS:  Größe – normal.\n\nIMPRESSION:  Well.\n"  # noqa: RUF001


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *("cp1252", "latin-1", "cp850", "mac-roman", "cp037"),
    ],
)
def test_reports_in_another_encoding_are_told_from_those_without_the_sections(tmp_path, encoding):
    usable = {"p10000001": ENCODED.encode("utf-8-sig"), "p10000002": ENCODED.encode()}
    other = ENCODED.replace("–", "-") if encoding != "cp1252" else ENCODED  # noqa: RUF001
    reports = usable | {"p10000003": other.encode(encoding), "p10000004": b"HISTORY:  pain\n"}
    rows = []
    for patient, written in reports.items():
        folder = tmp_path / "files" / "p10" / patient
        folder.mkdir(parents=True)
        (folder / "s1.txt").write_bytes(written)
        rows.append({"item_id": patient, "patient": patient[1:], "group": "1", "split": "train"})
    manifest = pd.DataFrame(rows).assign(status="used")
    read = read_reports(manifest, tmp_path, {})
    table, _ = texts_of(manifest, read, {"min_patients": 1, "sections": ["findings"]})
    assert table["reason"].tolist() == [None, None, "not_text", "no_text"]
    assert "UTF-8" in REASONS["not_text"] and "größe" in table["text"][0]


def test_text_that_was_read_in_a_wrong_encoding_is_no_text():
    assert is_no_text("größe".encode().decode("latin-1")) and not is_no_text("größe\u0085\n\t")


def test_a_template_leaves_out_what_is_not_known():
    settings = TableTexts(
        template="brain MR, {idh} {kind}, grade {grade}, T1",
        words={"kind": {"1": "astrocytoma", "2": "oligodendroglioma"}},
    )
    rows = {"idh": ["mutant", None, "unknown", None], "kind": ["1.0", "2", "7", None]}
    rows |= {"grade": ["2", None, "3.0", None]}
    assert of_table(pd.DataFrame(rows), settings).tolist()[:3] == [
        "brain MR, mutant astrocytoma, grade 2, T1",
        "brain MR, oligodendroglioma, T1",
        "brain MR, grade 3, T1",
    ]
    assert of_table(pd.DataFrame(rows), settings)[3:].isna().all(), "a text that says nothing"


def test_words_for_values_that_no_row_has_are_refused_and_only_numbers_lose_their_zeros():
    rows = pd.DataFrame({"kind": ["Astro", None], "grade": ["2.0", "v2.0"]})
    assert of_table(rows, TableTexts(template="{grade}")).tolist() == ["2", "v2.0"]
    for words in ({"astro": "astrocytoma"}, {}):
        settings = TableTexts(template="{kind} {grade}", words={"kind": words})
        with pytest.raises(CohortError, match=r"text\.words\.kind: none of .* is a value"):
            of_table(rows, settings)


def images_cohort(tmp_path, **text):
    table = tmp_path / "table.csv"
    table.write_text("file,case,idh,note\na.png,p,1,x\n")
    columns = {"file": "file", "patient": "case", "labels": "idh", "covariates": {"idh": "idh"}}
    index = {"table": str(table), "columns": columns | text.pop("columns", {})}
    return {"kind": "images", "root": str(tmp_path), "index": index} | text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ({"text": {"template": "{idh}, {grade}"}}, "names grade; there are: idh, label"),
        ({"text": {"template": "{idh}, grade {tumour grade}"}}, "a brace that belongs to no name"),
        ({"text": {"template": "{idh}, {label"}}, "a brace that belongs to no name"),
        ({"text": {"template": "a tumour"}}, "names no column in braces"),
        ({"text": {"template": "{idh}", "words": {"kind": {}}}}, "kind stands nowhere"),
        ({"columns": {"text": "note"}, "text": {"template": "{idh}"}}, "leave out one"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(tmp_path, text, why):
    config = copy.deepcopy(DEMO) | {"experiments": []}
    config["cohorts"] = {"mri": images_cohort(tmp_path, **text)}
    with pytest.raises(ConfigError, match=why):
        parse_config(config)


def test_who_needs_texts_gets_the_tokenizer_too_from_cohorts_that_have_them(tmp_path, monkeypatch):
    monkeypatch.setattr(DdpmExperiment, "needs", ("texts",))
    config = copy.deepcopy(DEMO)
    config["experiments"] = config["experiments"][:1]
    config["cohorts"] = {"cxr": config["cohorts"]["cxr"]}
    files = ExperimentFiles(parse_config(config), Layout("results"))
    home = "results/cohorts/cxr"
    assert files.tables("cxr_ddpm") == {
        "texts": f"{home}/texts.parquet",
        "tokenizer": f"{home}/tokenizer.json",
    }
    config["cohorts"]["cxr"]["reports"] = None
    with pytest.raises(ConfigError, match="needs texts, which cohort cxr does not provide"):
        parse_config(config)
    for text, provided in [({}, ()), ({"text": {"template": "{idh}"}}, ("texts",))]:
        config["experiments"] = []
        config["cohorts"] = {"mri": images_cohort(tmp_path, **text)}
        assert parse_config(config).cohorts["mri"].provided() == provided
