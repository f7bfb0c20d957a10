"""What series are called of which no one phase is said, one a line. Not a test file."""

from __future__ import annotations

# At the end what only reads like a phase.
NO_ONE_PHASE = {
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
