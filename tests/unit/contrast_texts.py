"""What series with and without contrast medium are called, one a line. Not a test file."""

from __future__ import annotations

ONE_PHASE = {
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
}
