"""Who, when and which number: masked by its form, or since few patients have the word."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from medsynth.cohorts.texts import prepare_texts
from medsynth.text.cleaning import without_identifiers
from medsynth.text.settings import TextSettings
from medsynth.text.tokenizer import Tokenizer
from tests.unit.test_texts import PLAIN, items, prepared

PLANTED = ["okonkwo", "jabberwock", "zebediah", "quixote", "1947", "31415", "555", "07", "88"]
REPORTS = [
    "Seen by Dr. Quixote on 07/15/1947. The heart is enlarged.",
    "Mr. Zebediah Okonkwo, an 88-year-old man, MRN 31415. The heart is enlarged.",
    "Jabberwock: the heart is enlarged, tel. 555 88 07.",
    "The heart is enlarged. Signed by Anna Quixote, MD, 15.07.1947 at 07:55.",
    "Read by: Zebediah Quixote. The heart is enlarged, July 7th, 1947.",
]


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
    "Dr.\u00a0Zorblatt, D\u00adr. Zor\u200bblatt, D\u202ar.\u2069 Zor\u202cblatt",
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
    "Zorblatt, Quentin MD; ZORBLATT, QUENTIN Q., M.D., zorblatt md and zorblatt, quentin, phd",
    "Quentin Zorblatt, NP; Quentin Zorblatt PA-C, Quentin Zorblatt, BSc, FRCR; Foo, RT(R)",
    "Dictated: ZORBLATT, QUENTIN. e-signed: q zorblatt; cc: Zorblatt\n/s/ Quentin Zorblatt",
    "Radiologist - Q. Zorblatt. Reading Radiologist Zorblatt; Transcriptionist: qz zorblatt",
    "Reported by: zorblatt. Verified by zorblatt, quentin. Sincerely, Zorblatt",
    "PATIENT: ZORBLATT, QUENTIN. Pt: Zorblatt; the patient, Zorblatt, is well",
    "To Quentin Zorblatt, radiologist. Señora Zorblatt, Sr. Zorblatt, Docteur Zorblatt",
    "Д-р Zorblatt; د. zorblatt; 2031年3月15日, 3月15日",
    "le 15 mars, 15 maggio 2031, 15 марта 2031, 15 Jänner, 15° dicembre, Mar 3 '15",
    "Accession number Q15 A15, case # 15-3, M.R.N. 15-3; Record no. 15-03, room 3B, exam #15",
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
    "67 mm, 5 f catheter, 24f sheath, 12 ml, t1, l5, m1, f/u, w/ 15 mm, female, 24 weeks pregnant",
    "male, 67 mm, who grade 4, male, 98.6 f, f18-fdg pet, m54.5, 2 year follow-up; 1 lat",
    "cough for 5 years, ten years ago, 20 year smoking history, a two day course",
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


@pytest.mark.parametrize(
    ("reports", "of_one"),
    [
        ("हृदय का आकार सामान्य है। मरीज मोहन हल्दीराम नमन आया", "मोमन"),
        ("الرئتان صافيتان مُحَمَّد", "حَمَد"),
        ("the q́uiet heart", "q́t"),
    ],
)
def test_a_name_is_one_word_in_scripts_whose_vowels_are_no_letters(reports, of_one):
    manifest, _ = items([reports] * 4)
    raw = pd.Series([*[reports] * 3, f"{of_one} {reports}"])
    table, content = prepare_texts(manifest, raw, TextSettings())
    assert table["text"][3] == f"___ {table['text'][0]}"
    assert of_one not in content["words"]


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
    "part", ["van ", "Dr. ", "SMITH-", "a.", "肺", "1 ", "@ ", "<a", "name: ", "Ann, ", "Roe md, "]
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
