"""Texts of a cohort: cleaned of who they are about, counted where unusable, and cut into tokens."""

from __future__ import annotations

import copy
import json
import re
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
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.prompts import PromptError, usable_prompt
from medsynth.store.layout import Layout
from medsynth.store.quarantine import CohortError
from medsynth.store.wording import REASONS
from medsynth.text.cleaning import is_no_text, known_words, only_known, without_identifiers
from medsynth.text.settings import ReportTexts, TableTexts, TextSettings
from medsynth.text.tokenizer import END, PAD, START, Tokenizer
from tests.unit.erasure_study import PATIENT, paths

pytest_plugins = ["tests.unit.erasure_fixtures"]
DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())

PLAIN = "The heart is enlarged. Nodule of 1.5 cm at T12, grade 3."
PLANTED = ["okonkwo", "jabberwock", "zebediah", "quixote", "1947", "31415", "555", "07", "88"]
REPORTS = [
    "Seen by Dr. Quixote on 07/15/1947. The heart is enlarged.",
    "Mr. Zebediah Okonkwo, an 88-year-old man, MRN 31415. The heart is enlarged.",
    "Jabberwock: the heart is enlarged, tel. 555 88 07.",
    "The heart is enlarged. Signed by Anna Quixote, MD, 15.07.1947 at 07:55.",
    "Read by: Zebediah Quixote. The heart is enlarged, July 7th, 1947.",
]


def items(texts, split="train"):
    rows = [
        {"item_id": f"i{k}", "patient": f"p{k}", "group": f"g{k}", "split": split, "status": "used"}
        for k, _ in enumerate(texts)
    ]
    return pd.DataFrame(rows), pd.Series(texts, dtype="str")


def prepared(texts, split="train", **settings):
    return prepare_texts(*items(texts, split), TextSettings(**settings))


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("Seen with Dr. Smith today.", "seen with ___ today."),
        ("seen with dr smith today", "seen with ___ today"),
        ("Mrs. Mary Ann O'Hara-Lee was seen", "___ was seen"),
        ("Brain MR, T1 after contrast; DR chest", "brain mr, t1 after contrast; ___"),
        ("MS lesions, MR shows", "ms lesions, mr shows"),
        ("John A. Smith, M.D. read it", "___, m.d. read it"),
        ("Signed by: Jane Roe at 5:40 P.M.", "signed by ___ at ___"),
        ("compared by CT to 12/2", "compared by ct to ___"),
        ("on 15 July 2020, or July 15, or in 2020", "on ___, or ___, or in ___"),
        ("it may represent 2 nodules", "it may represent 2 nodules"),
        ("a 47-year-old, 51 y/o, aged 33", "a ___-year-old, ___ y/o, aged ___"),
        (
            "47yo, 47 y.o., age: 33; a 47F with cough, 3 week old, for 2 days of",
            "___ yo, ___ y.o., age ___; a ___ f with cough, ___ week old, for 2 days of",
        ),
        ("A 24F catheter; opacities do not clear", "a 24f catheter; opacities do not clear"),
        ("<p>The heart &lt; 5 mm</p>", "the heart < 5 mm"),
        ("2 x 3 x 4 cm, 1.5cm, T12, 2-3 mm", "2 x 3 x 4 cm, 1.5cm, t12, 2-3 mm"),
        ("tel. 12 34 56 78, id AB1234, 10.25", "tel. ___, id ___"),
        ("see a.b@c.org or www.x.org/1", "see ___ or ___"),
        ("a XXXX and ____ man\n\n  NEXT", "a ___ and ___ man next"),
        ("Größe unauffällig, 肺は正常", "größe unauffällig, 肺は正常"),  # noqa: RUF001
    ],
)
def test_what_has_a_telling_form_is_masked(written, cleaned):
    assert without_identifiers(written) == cleaned


FREQUENT = [  # who works there, and when: more patients have it than a small cell
    "Discussed with DR. QUENTIN ZORBLATT AT 5 PM",
    "discussed with dr. quentin zorblatt at 5pm",
    "discussed with dr. q. zorblatt, drs. foo and zorblatt",
    "Drs. Quixote, Foo and Zorblatt agree, Dr.Zorblatt and Dr: Zorblatt, too",
    "Dr. van der Zorblatt, Prof. Dr. med. Zorblatt, Dr. <b>Zorblatt</b>",
    "Dr.\u00a0Zorblatt, D\u00adr. Zor\u200bblatt",
    "MISS ZORBLATT, mrs zorblatt, Nurse Quentin Zorblatt",
    "Dr. Özil Zorblatt, DR ÉMILE-ZORBLATT",  # noqa: RUF001
    "Signed by Zorblatt, Quentin. signed by quentin zorblatt on 2/3/2031",
    "Attending: Quentin Zorblatt\nReferring physician: ZORBLATT, QUENTIN",
    "quentin zorblatt, md and QUENTIN ZORBLATT MBBS",
    "15-Mar-2031, 15/Mar/2031, Mar-15-2031, March 2031, Mar 15th, 15. März 2031, 15 de marzo",
    "3 mars, 03-15, 3 am, 3 p.m.",
    "q.zorblatt @ x . org, quentin(at)zorblatt.org",
    "MRN AB-03-15, ID: Q15, ext. 03 15",
    "MR ZORBLATT, MS QUIXOTE and mr quentin zorblatt; ms zorblatt, miss zorblatt, nurse zorblatt",
    "MR Zorblatt, frau zorblatt und herr zorblatt, sir quentin",
    "Discussed with Zorblatt, then with DR FOO; discussed with zorblatt at 5 pm",
    "Communicated to Quentin Zorblatt. Notified Quixote. d/w foo",
    "Zorblatt was admitted, Quentin Zorblatt was seen, Patient Quixote, Foo presented with",
    "Quixote, a 15-year-old man. Özil Zorblatt agrees. O'Zorblatt complained of pain",  # noqa: RUF001
    "Examined by Zorblatt, requested by Quentin Zorblatt",
]
NAMED = ["John Smith was seen", "john smith was seen", "JOHN SMITH: THE HEART", "seen with john"]
NAMED += ["J. Smith was seen", "seen with J.R. Smith", "mister smith was seen"]
NAMED += ["Smith, John; edema", "SMITH, MARY ANN", "mary o'hara-lee is well", "for anna, anna lee"]
PLAIN_WORDS = [
    "mr imaging of the brain shows edema; mr angiography, no mr findings. ms lesions, 20 ms",
    "frank pulmonary edema, may miss a nodule; nurse practitioner notified, by telephone",
    "patient was seen and admitted. pleural effusion is seen. the team was paged",
    "discussed with the referring physician, communicated to the ordering clinician by phone",
    "tracheostomy is seen, swan-ganz catheter is present, kerley b lines, a grade iii tumor",
    "charcot-marie-tooth disease, st. jude valve, 24 hr film",
]


@pytest.mark.parametrize("written", FREQUENT)
def test_who_and_when_is_masked_however_it_is_written_and_however_frequent(written):
    words = set(re.findall(r"[^\W_]+", without_identifiers(written)))
    telling = {"quentin", "zorblatt", "foo", "quixote", "q", "zor", "özil", "émile"}
    telling |= {
        "mar",
        "march",
        "mars",
        "marzo",
        "märz",
        "15",
        "15th",
        "2031",
        "03",
        "3",
        "5",
        "q15",
    }
    assert words & telling == set()


@pytest.mark.parametrize("written", NAMED)
def test_a_frequent_given_name_needs_no_title(written):
    words = set(re.findall(r"[^\W_]+", without_identifiers(written)))
    assert words <= {"was", "seen", "the", "heart", "with", "edema", "is", "well", "for"}


@pytest.mark.parametrize("written", PLAIN_WORDS)
def test_words_of_reports_are_no_names(written):
    sentences = "; ".join(part.strip().capitalize() for part in written.split(";"))
    for text in (written, written.upper(), sentences):
        assert without_identifiers(text) == written


@pytest.mark.parametrize(
    "part", ["van ", "Dr. ", "SMITH-", "a.", "肺", "1 ", "@ ", "<a", "name: ", "Ann, "]
)
def test_long_texts_take_time_that_grows_with_their_length(part):
    without_identifiers(part * 20_000)  # what grows with the square takes minutes


def test_planted_names_dates_and_numbers_are_in_no_text_and_no_tokenizer():
    table, content = prepared([PLAIN] * 3 + REPORTS)
    held_out, _ = items(REPORTS, "test")
    both = pd.concat([items([PLAIN] * 3 + REPORTS)[0], held_out], ignore_index=True)
    all_splits, again = prepare_texts(both, pd.Series([PLAIN] * 3 + REPORTS * 2), TextSettings())
    written = "\n".join([*table["text"], *all_splits["text"], json.dumps([content["words"]])])
    pieces = [piece.casefold() for piece in content["bpe"]["model"]["vocab"]]
    assert [word for word in PLANTED if word in written] == []
    assert [word for word in PLANTED if any(word in piece for piece in pieces)] == []
    assert content == again, "other splits teach nothing"
    assert "the heart is enlarged" in table["text"].iloc[-1]
    assert {"1.5", "t12", "3"} <= set(content["words"])


UNTITLED = [
    "John Smith was seen. {}", "okonkwo: {}", "ZEBEDIAH OKONKWO. {}", "{} seen by okonkwo",
    "{} ms okonkwo", "Okonkwo's heart. {}", "{} okonkwo zebediah", "Zebediah is well. {}",
]  # fmt: skip


def test_no_name_of_one_patient_passes_forms_and_rare_words_however_it_is_written():
    manifest, _ = items([PLAIN] * 5 + UNTITLED)
    manifest.loc[5:, "patient"] = "p5"
    raw = pd.Series([PLAIN] * 5 + [text.format(PLAIN) for text in UNTITLED])
    table, content = prepare_texts(manifest, raw, TextSettings())
    written = "\n".join([*table["text"], json.dumps(content)]).casefold()
    assert table["text"].str.contains("the heart is enlarged").all()
    for name in ("john", "smith", "zebediah", "okonkwo"):
        assert name not in written
    assert Tokenizer(content).clean("Okonkwo, the heart john smith") == "___, the heart ___"


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("Okonkwo: the heart is enlarged.", "okonkwo", {}),  # the name of three patients
        ("The heart is enlarged. okonkwo", "okonkwo", {}),  # who signs for three, without a word
        ("Heart: the heart is enlarged.", "heart", {}),  # a name that is a word of reports
        ("okonkwo", "okonkwo", {"min_patients": 1}),  # rare words are not looked for
    ],
)
def test_names_that_neither_forms_nor_rare_words_hold(text, name, settings):
    """As docs/guides/texts.md says: who shares texts that hold such names reads them first."""
    table, _ = prepared([text] * 3, **settings)
    assert name in table["text"][0]


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
    read = read_reports(manifest, tmp_path)
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
