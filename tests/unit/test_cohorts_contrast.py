"""Contrast phase by words: descriptions, the bolus module, contradictions, label tables."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pandas as pd
import pytest
from pydicom.dataset import Dataset

from medsynth.imaging.ct.contrast.phase import header_phase, table_phase
from medsynth.imaging.ct.contrast.text import said
from medsynth.imaging.dicom import open_dicom

REAL = Path(
    os.environ.get("MEDSYNTH_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
# What series are called, one a line; the last kinds are the words that only read like a phase.
TEXTS = {
    "ct": """
NON-ENHANCED
NONENHANCED
NON ENHANCED
non contrast enhanced
no enhancement
without iv contrast
W/O
C-
-C
Body 5.0 -C
Plain
NCCT HEAD
NECT
unenhanced
native
Thorax nativ
sans injection
sin contraste
sem contraste
senza mdc
senza mezzo di contrasto
zonder contrast
voor contrast
ohne KM
o. KM
KM (-)
W/O CONTR
WITHOUT C
CONTRAST: NONE
HEAD C-SPINE WO
PRECONTRAST
PreContrast
CT - noncontrast
without oral or iv contrast
WITH ORAL AND WITHOUT IV
bez kontrasta
без контраста
нативное исследование
平扫
単純
造影なし
조영전
비조영
kontrastsız
NON CON
SIN CON
S/ CONTRASTE
TC SIMPLE DE TORAX
CALCIUM SCORE
TRAUMA (NON CONTRAST)
CT CHEST WITHOUT CONTR
W/0 CONTRAST
WOCONTRAST
before administration of contrast
IV-
unenhanced phase
non-ce
CONTRAST (-)
contrast not given
no contrast given
no IV contrast administered
Oberbauch nativ
TDM SANS IV
SANS PDC
C- TAP
TAP NON INJECTE
torax s/ contr
Torace basale
blanco abdomen
zonder iv contrast
uten kontrast
utan kontrast
bez kontrastu
bez KL
før kontrast
CHEST WITHOUT CONTRAST WITH MPR
CT CHEST WITH 3D WITHOUT CONTRAST
NON_CONTRAST
NON-CON
UN-ENHANCED
NO C+
CONTRAST WITHHELD
PATIENT REFUSED CONTRAST
CRANEO SIMPLE
TC DE TORAX SIMPLE
khong tiem thuoc
kontraszt nélkül
tanpa kontras
fara contrast
CT SINUS WO
SmartScore - Gated 0.5 sec
W/O IV
W/O CON
CT ABDOMEN AND PELVIS WITHOUT IV
TC CRANIO SEM CONTRASTE
Kontrastmittel: nein
KM: nein
ohne Kontrastmittel
ohne i.v. KM
vor KM-Gabe
TC addome senza m.d.c.
avant injection
sans contraste
sin civ
CT native
Schädel nativ
CE(-)
(C-)
CONTRAST(-)
Pre-contrast
PRE CON
before contrast
W/OUT CONTRAST
KM-frei
kontrastmittelfrei
contrast-free
Contrast = N
contrast was not given
IV contrast was not administered
IV: none
never enhanced
previo a contraste
premdc
sans iode
sem contraste venoso
without venous contrast
sin contraste oral ni iv
W/ PO CONTRAST, NO IV CONTRAST
non-CE CT
NON-CECT
""",
    "cect": """
+C
C+
ABD+C
CECT
CTA CHEST
avec injection
con contraste
com contraste
con mdc
con mezzo di contrasto
met contrast
na contrast
mit KM
m. KM
KM+
post Gd
PV phase
portal venous
nephrographic
WITH IV C
CT C-SPINE WITH CONTRAST
postcontrast
with oral and iv contrast
CT - GI & IV Contrast
CT w/contrast (IV)
WITH IV WITHOUT ORAL
S KONTRASTOM
с контрастом
增强
造影
造影剤(+)
조영후
kontrastlı
NON IONIC CONTRAST
W CON
C/ CONTRASTE
2D WB PTCT WITH CONTRAST
no oral, iv contrast
CODE_T_CT_ANGIO_ABD_AND_PEL_WITH_I
CHEST WCON
AFTER ADMINISTRATION OF INTRAVENOUS CONTRAST
Arterial phase contrast
late arterial
ART PHASE
CT CHEST W CONT
CT W/IV
IV CONTRAST
phase artérielle
temps portal
fase arteriosa
Fase portale
Abdomen portalvenös
venöse Phase
CE-CT
W/CONTRAST
Contrast given: yes
CHEST/ABD/PEL W/IV CON
+ Contrast
THORAX IV KONTRAST
Thorax  C+ 1.0 B30f
Abdomen mit KM 5.0
Leber spätarteriell
portalvenöse Phase
TAP C+
Thorax injecté
Postkontrast
med kontrast
z kontrastem
po kontraście
efter kontrast
Contrast-Enh
WITH IV & ORAL
IV/ORAL CONTRAST
W/ IV + PO CONTRAST
ORAL+IV CONTRAST
có tiêm thuốc
kontrasztos
dengan kontras
cu contrast
W IV CON
CT ABD PEL W IV C
CT CHEST W CNTRST
CT ANGIOGRAM
WITH INFUSION
CT THORAX  WITH CONTRA
ANGIO CEREBRAL C/ CONTRASTE
TC ABDOME COM CONTRASTE VENOSO
mit i.v. KM
nach KM-Gabe
con m.d.c.
fase portale
phase portale
après injection
avec contraste
con civ
C+ ARTERIAL
CE+
(C+)
Chest CT, C(+)
POST CON
Post-contrast 5mm
POST IV
after contrast
poscontraste
pós-contraste
postmdc
POSTINJECTION
CT PERFUSION HEAD W CONTRAST
avec iode
AngioTDM
DELAYED PHASE
excretory phase
con contraste oral e iv
CON CONTRASTE ORAL Y EV
contraste iv y oral
Contrast IV and oral
Kontrastmittelunterstützt
POST-CONTRAST PRE-OP
""",
    "both": """
WO-W
W WO
CT ABD WWO CONTRAST
NATIVE / POST KM
W/CON W/O CON
W/WO
PRE AND POST
PRE/POST
PRE-POST CONTRAST
PRE- AND POSTCONTRAST
C+/-
+/-C
C-/C+
C+C-
nativ und KM
mit und ohne KM
avec et sans injection
con y sin contraste
com e sem contraste
prima e dopo mdc
antes y despues de contraste
平扫+增强
CON/NON CON
SIN CON CONTRASTE
TAC SIMPLE Y CONTRASTADA
CT ANGIOGRAPHY CHEST W/WO CON
pre and post contrast
WITH AND WITHOUT CONTRAST
NON-CONTRAST/CONTRAST
CONTRAST AND NONCONTRAST
without & with
w & w/o
CT ABD W/O & W/ CONT
WITHOUT THEN WITH CONTRAST
wo/w con
TC CRANIO SEM E COM CONTRASTE
Abdomen ohne und mit KM
senza e con mdc
sans puis avec injection
avant et après injection
nativ/art./ven.
art. + nativ
pre y poscontraste
pré e pós contraste
PLAIN & CONTRAST
ABD W/O&W
""",
    "neither": """
BOLUS TRACKING
SCOUT
VIRTUAL NON CONTRAST
VNC
Virtual unenhanced
iodine map
PRE SCAN
""",
    None: """
delayed
control
W/O ARMS
WITH MPR
C-SPINE
C- SPINE
NECK+C-SPINE
C+A+P
NON DIAGNOSTIC
NONCONTRIBUTORY
WITHOUT GANTRY TILT
post op
PRE OP
PRE AND POST OP
Post Fossa
POST PROCESS
NATIVE KIDNEY
angiomyolipoma
POST CONCUSSION
POST C5-6 FUSION
5CC/SEC INJECTION RATE
EDGE ENHANCED
with oral contrast
oral contrast only
CT - GI Contrast
HIGH CONTRAST
CT CHEST WITH
WITHOUT ORAL CONTRAST
contrast allergy
non angio
HELICAL MODE
PE-Fast + 40 and over Delay
01_CHEST
CT WITH FUSION
ART
portal hypertension
Spätphase
C-ARM
C3-C7
LUNG W
BONE W/O METAL
CONTRAST ENEMA
WATER SOLUBLE CONTRAST
DOUBLE CONTRAST
SIMPLE CYST
CTAC
STD CTAC
LUNG BIOPSY
Chest 2.0 B20s
AP INJ
POST C
POST RECON
POST VOID
WITH COMPARISON
WITHOUT COMPRESSION
WITHOUT CONTROL
W/ CORONAL
WO METAL ARTIFACT
WITH INSPIRATION
WITH CONE BEAM
WINDOW CONTRAST
SOFT TISSUE CONTRAST
Plain film
NO MOTION
NO ARMS
NON GATED
PRE TAVI
POST TRAUMA
PRE AND POST STENT
NATIVE VALVE
ARTERIAL CALCIFICATION
venous thrombosis
EDGE ENHANCEMENT
CARDIAC FUNCTION
CT COLONOGRAPHY
COMPARISON
Chest Routine C
3 PHASE LIVER
contraste oral
con contraste oral
con contraste por via oral
con mdc per os
KM oral
mit oralem KM
nach oraler KM-Gabe
CONTRAST: ORAL
CT ARTHROGRAM W CONTRAST
LUMBAR MYELOGRAM WITH CONTRAST
CYSTOGRAM WITH CONTRAST
Kontrastmittelallergie
contrast contraindicated
IF CONTRAST
FDG INJECTION
POST INJECTION OF FDG
AIDR 3D ENHANCED
""",
}


def contrast_of(dataset):
    return header_phase(dataset).label


def header(**tags) -> Dataset:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def need(folder: str) -> Path:
    if not (REAL / folder).is_dir():
        pytest.skip(f"no {REAL / folder}; set MEDSYNTH_REAL_DATA")
    return REAL / folder


@pytest.mark.parametrize(
    ("text", "phase"),
    [(line, phase) for phase, lines in TEXTS.items() for line in lines.strip().splitlines()],
)
def test_what_a_description_says(text, phase):
    assert said(text, phases=True).phase == phase
    assert said(text.lower(), phases=True).phase == phase
    assert said(text.replace(" ", "_"), phases=True).phase == phase


@pytest.mark.parametrize(
    ("text", "phase"), [("ThoraxNativ", "ct"), ("AbdomenKM", "cect"), ("LungWithoutContrast", "ct")]
)
def test_words_that_only_capitals_divide_are_words(text, phase):
    assert said(text).phase == phase


def test_phases_of_the_blood_count_in_the_name_of_a_series_only():
    assert said("ARTERIAL", phases=True).phase == "cect"
    assert said("ARTERIAL").phase is None
    assert said("NATIVE AND ARTERIAL", phases=True).phase == "both"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"ContrastBolusAgent": "", "ContrastBolusRoute": "IV"}, "cect"),
        ({"ContrastBolusVolume": "100"}, "cect"),
        ({"ContrastBolusVolume": "0"}, None),
        ({"ContrastFlowRate": ["0", "4.5"]}, "cect"),
        ({"ContrastBolusStartTime": "101530.00"}, "cect"),
        ({"ContrastBolusStartTime": "000000"}, None),
        ({"ContrastBolusAgent": "BARIUM SULFATE", "ContrastBolusVolume": "450"}, None),
        ({"ContrastBolusAgent": "NONE", "ContrastBolusRoute": "IV"}, None),
        ({"ContrastBolusAgent": "OMNIPAQUE", "ContrastBolusVolume": "0"}, None),
        ({"ContrastBolusAgent": "MELADON", "ContrastBolusVolume": "90"}, "cect"),
        ({"ContrastBolusAgent": "SALINE", "ContrastBolusRoute": "IV"}, None),
        ({"ContrastBolusAgent": "ISOVUE", "ContrastBolusRoute": "INTRATHECAL"}, None),
        ({"ContrastBolusAgent": "O", "ContrastBolusRoute": "IV"}, "cect"),
        ({"SeriesDescription": "Thorax nativ", "ContrastBolusAgent": ""}, "ct"),
        ({"SeriesDescription": "PORTAL VENOUS 5.0"}, "cect"),
        ({"SeriesDescription": "C-SPINE", "ProtocolName": "CHEST ROUTINE"}, None),
        ({"ProtocolName": "CHEST W/O & W CONTRAST", "StudyDescription": "CT W CONTRAST"}, None),
        ({"ProtocolName": "2D WB PTCT WITH CONTRAST"}, "cect"),
        ({"ProtocolName": "TRAUMA (NON CONTRAST)", "StudyDescription": "WITH CONTRAST"}, "ct"),
        ({"SeriesDescription": "LOCALIZATION", "StudyDescription": "CT WITH CONTRAST"}, None),
        ({"SeriesDescription": "PREMONITORING", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "VIRTUAL NON CONTRAST", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "PRE AND POST", "StudyDescription": "CT WITH CONTRAST"}, None),
        ({"SeriesDescription": "PRE AND POST", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "AX", "StudyDescription": "CT ABD W ORAL CONTRAST"}, None),
        ({"ContrastBolusVolume": "0", "ContrastBolusStartTime": "101530"}, "cect"),
        ({"SeriesDescription": "DELAYED", "StudyDescription": "CT WITH CONTRAST"}, "cect"),
        ({"RequestedProcedureDescription": "CT CHEST WITHOUT CONTRAST"}, None),
    ],
)
def test_what_a_header_says(tags, expected):
    assert contrast_of(header(**tags)) == expected


NAMED = """APPLIED IV CE Y yes Omni OMNIPAQUE ISOVUE300/100 Ultravist|370 Visipaque iohexol Iomeron
125CC|OPTIRAY 100|ML|OPTI|350 NON|IONIC Non-ionic nonionic|100cc MELADON|350 90|ml Contrast KM
ORAL|&|IV IV|and|PO 100ML|OMNI|W/|50|SALINE Kontrastmittel Gadovist iodine MD-76 C+ Omnipaque|+|NaCl
Isovue|100ml,|no|reaction"""
DENIED = """NONE NO No|contrast None|given Not|given Not|applied N 0 0.0 0|ml 0cc OMNIPAQUE|0|ml
XENETIX|350|-|0.0|ml NO|IV|CONTRAST NO|OMNIPAQUE WITHOUT W/O ohne keine sin|contraste|iv sans C-
senza|mdc Non|contrast geen IV|NO OMNIPAQUE|NOT|GIVEN Patient|refused no|agent
IV|contrast|not|administered"""
UNSAID = """N/A -- - ? unknown Not|known see|notes ORAL water Omnipaque|oral VISIPAQUE|320,|PO
barium gastrografin no|oral|contrast saline|50|ml 350 DEIDENTIFIED MELADON intrathecal|isovue TBD
contrast|allergy Allergic|to|iodine Contrast|agent|unknown IV? Omnipaque|oral?"""


def fields(text: str) -> list[str]:
    return [field.replace("|", " ") for field in text.split()]


@pytest.mark.parametrize("agent", fields(NAMED))
def test_an_agent_in_the_vein_makes_a_slice_enhanced_unless_the_series_denies_it(agent):
    assert contrast_of(header(ContrastBolusAgent=agent)) == "cect"
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W CONTRAST")) == "cect"
    for keyword in ("SeriesDescription", "ProtocolName"):
        phase = header_phase(header(ContrastBolusAgent=agent, **{keyword: "CHEST W/O CONTRAST"}))
        assert phase.label is None and phase.reason == "contrast_contradiction"
        assert f'"{agent}"' in phase.detail and f'{keyword} "w / o contrast"' in phase.detail
    # A study is what was ordered: the injection came about.
    assert contrast_of(header(ContrastBolusAgent=agent, StudyDescription="CT W/O")) == "cect"


@pytest.mark.parametrize("agent", fields(DENIED))
def test_a_denied_agent_is_no_label_and_contradicts_a_text_that_names_one(agent):
    assert contrast_of(header(ContrastBolusAgent=agent)) is None
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W/O CONTRAST")) == "ct"
    for keyword in ("SeriesDescription", "ProtocolName", "StudyDescription"):
        phase = header_phase(header(ContrastBolusAgent=agent, **{keyword: "WITH CONTRAST"}))
        assert phase.label is None and phase.reason == "contrast_contradiction"
        assert f'"{agent}"' in phase.detail and f'{keyword} "with contrast"' in phase.detail
    assert header_phase(header(ContrastBolusAgent=agent, ContrastBolusVolume="90")).reason == (
        "contrast_contradiction"
    )


@pytest.mark.parametrize("agent", fields(UNSAID))
def test_a_field_that_names_no_agent_leaves_it_to_the_descriptions(agent):
    phase = header_phase(header(ContrastBolusAgent=agent))
    assert phase.label is None and phase.reason == "no_contrast_label" and agent in phase.detail
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W CONTRAST")) == "cect"
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W/O CONTRAST")) == "ct"


def test_coded_agents_are_read():
    code = header(CodeMeaning="Iopamidol")
    assert contrast_of(header(ContrastBolusAgentSequence=[code])) == "cect"


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("True TRUE true 1 1.0 yes Y ja oui cect CECT + C+ enhanced contrast venous post", "cect"),
        ("with w IV given present on vrai wahr tak 1.00 art pv late delayed nephrogenic", "cect"),
        ("without wo W/O absent off faux falsch nie 0.00 nc", "ct"),
        ("False 0 0.0 no N nein non ct NCCT plain native - C- unenhanced noncontrast pre", "ct"),
        ("None NA nan maybe 2 both W/WO unknown ? x arterio oral yes? hepatic", None),
    ],
)
def test_words_of_a_label_table(words, label):
    assert {word: table_phase(word) for word in words.split()} == dict.fromkeys(
        words.split(), label
    )


def test_real_headers_are_right_wherever_they_say_something():
    folder = need("tcga-ct-slices")
    table = pd.read_csv(folder / "contrast.csv")
    said = [contrast_of(open_dicom(folder / "dicom" / f, pixels=False)) for f in table["file"]]
    pairs = [(s, "cect" if c else "ct") for s, c in zip(said, table["contrast"], strict=True) if s]
    assert len(pairs) >= 15
    assert [p for p in pairs if p[0] != p[1]] == []


def test_stated_modalities_of_real_images_are_all_read():
    """Of 1,362 rows; the table of words was tuned with these in view."""
    words = {
        "CT w/contrast (IV)": "cect",
        "CT - GI & IV Contrast": "cect",
        "CTA - CT Angiography": "cect",
        "CT - noncontrast": "ct",
        "CT - GI Contrast": None,
        "MR - T1W - noncontrast": "ct",
        "MR - T1W w/Gadolinium": "cect",
        "MR - T1W w/Gd (fat suppressed)": "cect",
    }
    with open(need("medpix") / "images.csv", newline="") as file:
        stated = {row["modality"].strip() for row in csv.DictReader(file)}
    angiography = {m for m in stated if m.startswith("MRA")}  # often without contrast medium
    found = {m: said(m).phase for m in stated - angiography}
    assert found == {m: words.get(m) for m in found}
