"""The words of radiology reports that name a finding, deny it, doubt it or end either.

Regular expressions of lower-case text. Findings are those of the CheXpert labels (Irvin et al.
2019, AAAI 33:590). "Absent" is the normal state, which denies a finding without naming it.
"""

from __future__ import annotations

HEART = r"(?:heart(?: size)?|cardiac (?:silhouettes?|shadow|size|contours?|enlargement|border))"
MEDIASTINUM = r"(?:cardio-?)?(?:pulmonary )?mediastin(?:um|al)(?: (?:and hilar )?\w+)?"
ENLARGED = r"(?:enlarged|enlargement|large|larger|increased|prominent|prominence|widen(?:ed|ing))"
NORMAL = r"(?:normal|unremarkable|not (?:\w+ )?(?:enlarged|large|widened))"
APART = r"(?:\W+(?!normal|not|no|and|but)\w+){0,6}?\W+"  # few words of the same clause

MENTIONS: dict[str, list[str]] = {
    "Enlarged Cardiomediastinum": [
        rf"{MEDIASTINUM}{APART}(?:widen(?:ed|ing)|enlarge(?:d|ment)|prominen(?:t|ce))",
        rf"(?:widen(?:ed|ing)|enlarge(?:d|ment)|prominen(?:t|ce)) (?:of )?(?:the )?"
        rf"(?:\w+ )?{MEDIASTINUM}",
    ],
    "Cardiomegaly": [
        r"cardiomegaly",
        rf"{HEART}{APART}{ENLARGED}",
        rf"{HEART}{APART}(?:borderline|top[- ]normal|upper limits?(?: of normal)?)",
        rf"enlarge(?:d|ment)(?: of)?(?: the)? {HEART}",
        r"cardiac enlargement|borderline heart",
    ],
    "Lung Lesion": [
        r"nodul(?:e|es|ar|arity)\b",
        r"(?<!body )mass(?:es)?\b(?!-)",
        r"(?:cavitary |lung |pulmonary |lytic )lesions?\b",
        r"(?:lung|pulmonary|hilar) (?:cancer|carcinoma|malignancy|metastas[ei]s)",
        r"\b(?:neoplasm|tumou?rs?|metasta(?:sis|ses|tic disease))\b",
    ],
    "Lung Opacity": [
        r"opaci(?:ty|ties|fication|fications|fied)\b",
        r"infiltrat(?:e|es|ion|ions)\b",
        r"air[- ]?space (?:disease|process|abnormality)",
        r"(?:interstitial|reticular|reticulonodular) (?:markings?|patterns?|changes?|disease)",
        r"\bground[- ]glass\b",
        r"increased (?:interstitial |lung |pulmonary )?(?:markings|density|densities)",
        r"(?:streaky|patchy|hazy|basilar|airspace|linear|focal|retrocardiac) densit(?:y|ies)",
    ],
    "Edema": [
        r"(?<!tissue )(?<!subcutaneous )\b(?:o?edema|edematous)\b",
        r"(?:vascular|venous|pulmonary|interstitial|vasculature) congestion",
        r"congesti(?:on|ve)\b",
        r"(?:vascular|venous) (?:engorgement|redistribution|cephali[sz]ation)",
        r"cephali[sz]ation",
        r"(?:heart failure|\bchf\b|(?:fluid|volume) overload)",
    ],
    "Consolidation": [r"consolidat(?:ion|ions|ive|ed)\b"],
    "Pneumonia": [r"\b(?:broncho)?pneumonia", r"\binfecti(?:on|ons|ous)\b"],
    "Atelectasis": [r"\batelecta\w+", r"\bcollapsed?\b(?! of the vertebr)"],
    "Pneumothorax": [r"pneumothora(?:x|ces)", r"\bptx\b"],
    "Pleural Effusion": [
        r"(?<!pericardial )effusions?\b",
        r"(?:pleural|fissural|loculated|layering) fluid",
        r"h(?:a?emo|ydro)(?:pneumo)?thora(?:x|ces)",
        r"blunt(?:ed|ing)(?: of)?(?: the)?(?: \w+){0,3} (?:costophrenic|angles?|sulc(?:us|i))",
        r"(?:angles?|sulc(?:us|i))(?: \w+){0,3} blunt(?:ed|ing)",
    ],
    "Pleural Other": [
        r"pleural(?: \w+)? (?:thickening|scarring|plaques?|calcifications?|reaction|based)",
        r"(?:apical|biapical|pleuro-?parenchymal) (?:thickening|scarring)",
        r"fibrothorax",
    ],
    "Fracture": [r"fractur(?:e|es|ed)\b"],
    "Support Devices": [
        r"\b(?:tubes?|catheters?|pacemakers?|pacer|defibrillators?|a?icd|picc|port-?a-?cath)\b",
        r"\b(?:central|venous|jugular|subclavian|ij|arterial|picc|dialysis)(?: venous)? lines?\b",
        r"\b(?:stents?|drains?|pigtail|hardware|stimulator|swan-?ganz|lvad|impella)\b",
        r"(?<!breast )\bprosthe(?:sis|ses|tic)\b",
        r"\b(?:sternotomy|sternal|cerclage|surgical) (?:wires?|clips?|sutures|staples)\b",
        r"\b(?:pacing|icd|pacer|aicd|ventricular|atrial) (?:leads?|wires?)\b",
        r"\b(?:mediport|port|balloon pump|et|ett|ng|ngt|dobbhoff|tracheostomy|valve replacement)\b",
        r"\b(?:implanted|electronic|cardiac|assist|support(?:ing)?|monitoring) devices?\b",
    ],
}
ABSENT: dict[str, list[str]] = {
    "Cardiomegaly": [
        rf"{HEART}(?:\W+(?!not|no|and|but|{ENLARGED})\w+){{0,6}}?\W+{NORMAL}",
        rf"{NORMAL} (?:in )?{HEART}",
    ],
    "Enlarged Cardiomediastinum": [rf"{MEDIASTINUM}{APART}{NORMAL}", rf"{NORMAL} {MEDIASTINUM}"],
}
# What says that nothing is wrong without naming what could be.
HEALTHY = (
    r"(?<!not )(?<!no longer )"
    r"\b(?:normal|unremarkable|clear|negative|no (?:\w+ ){0,4}(?:abnormality|abnormalities|process"
    r"|disease|finding|findings|change|changes))\b"
)

# What happens to a finding that is there.
_CHANGED = (
    r"(?:resolv(?:ed|ing)|clear(?:ed|ing)|disappeared|regressed|subsided|improv(?:ed|ing)"
    r"|decreas(?:ed|ing)|diminished|worsened|worsening|increas(?:ed|ing)|progressed|changed|removed)"
)
_CHANGE = (
    r"(?:resolution|clearing|worsening|progression|regression|removal|disappearance|improvement)"
)
_HOW = (
    r"(?:yet|quite|been|be|have|has|to|appear(?:s|ed)?|seem(?:s|ed)?|thought|believed|said|\w+ly)"
)
_EVIDENCE = r"(?:evidence|signs?|indications?|suggestion|proof)"
# "possible" is read for these, before anything else is looked for.
POSSIBLE = (
    r"\bnot (?:\w+ly )?(?:unlikely|impossible|improbable|implausible|inconceivable)\b"
    r"|\bnot (?:\w+ly )?(?:inconsistent|incompatible)\b"
    r"|\b(?:not (?:be )?(?:\w+ly )?(?:clear|certain|sure|known)|unclear|uncertain|unsure|unknown)"
    r"(?= (?:if|whether|that)\b)"
)
# They change nothing, or deny a denial: taken out before anything else is looked for.
PSEUDO = (
    r"\b(?:not|never|no longer) (?:\w+ly )?"
    r"(?:without|free of|clear of|devoid of|lacking|absent|negative for)\b"
    r"|\bno doubt\b|\bwithout (?:(?:a|any) )?doubt\b|\bno question (?=that\b)"
    r"|\bnot (?:only|just|merely|simply|surprising(?:ly)?)\b"
    r"|\bnot (?:un|in)(?:expected|common|usual|frequent)(?:ly)?\b"
    rf"|\b(?:no|without) (?:(?:\w+ )?{_EVIDENCE} (?:of|for) )?"
    rf"(?:(?:significant|interval|definite|further|complete|any) ){{0,2}}{_CHANGE} of\b"
    r"|\b(?:partial|incomplete|near(?:ly)?|almost)(?:[ -](?:complete|total))? (?:interval )?"
    rf"{_CHANGE} of\b"
    rf"|\b(?:not|never)(?: {_HOW}){{0,4}} {_CHANGED}\b"
    r"|\b(?:yet|fail(?:s|ed|ure|ing)?|do not|does not|did not)(?: to)? (?:\w+ly )?"
    r"(?:resolve|clear|disappear|regress|subside|improve)\b"
    r"|\b(?:nearly|almost|partially|partly|largely|mostly|incompletely)(?: \w+ly)?"
    r" (?:resolved|cleared|removed)\b"
    r"|\b(?:resolved|cleared),? (?:but|although|though|albeit) (?:not |in)(?:yet |quite )?"
    r"(?:completely|fully|entirely)\b"
    r"|\bno (?:\w+ )?(?:change|increase|decrease|interval change|improvement|difference)"
    r"(?: in| of| from)?\b"
    r"|\bnot (?:\w+ )?(?:changed|increased|different)\b"
    r"|\bwithout (?:\w+ )?(?:change|increase)(?: in| of)?\b|\bno longer (?=than)"
)
# Before a comma: what is denied comes after it ("no acute, displaced fracture").
ONLY_ADJECTIVES = (
    r"\b(?:no|any|without|of)"
    r"(?: (?:acute|new|old|large|small|\w+(?:al|ar|ed|ent|ant|ive|ous|ic)))+$"
)
# Whatever has one of these is there.
_AMOUNT = (
    r"(?:new|stable|unchanged|persistent|trace|tiny|small|minimal|mild|mildly|moderate|large"
    r"|increas(?:ed|ing)|decreas(?:ed|ing))"
)
# What a clause says of a finding in it, before or after it, and so no longer what the clause before
# says: "no pneumothorax, effusion is present". Whether a list is told in it, its words decide.
OWN_BEFORE = (
    r"^ ?(?:no|not|without|cannot|can not|unable|possibl[ey]|probabl[ey]|likely|questionable)\b"
)
_VERB = r"(?:is|are|was|were|has|have|shows?|demonstrates?|reveals?|remains?|contains?)"
_MAY = r"(?:can|cannot|may|might|could)"
_STATE = (
    r"(?:is|are|was|were|has|have|can|cannot|could|may|might|present|absent|none|nil|yes|positive"
    r"|noted|seen|identified|visible|visuali[sz]ed|evident|demonstrated|detected|observed|apparent"
    r"|possible|suspected|likely|enlarged|borderline|widened|blunted)"
)
OWN_STATE = rf"\b{_STATE}\b"
# An "and" begins a clause, as in "no effusion and the heart is large", if the words before it are
# one (TOLD) or those after it (CLAUSE), and if anything is then said (SAYS).
TOLD = rf"\w {_STATE}\b|^ ?{_STATE} ?$"
SAYS = rf"\b(?:{_VERB}|{_STATE})\b"
CLAUSE = rf"^(?:the|this|these|that|those) |\b{_VERB}\b"
NEXT_CLAUSE = (
    rf"^(?!(?:{_VERB}|{_MAY}|not|no longer|now|then|so|\w+ly)\b).*\b(?:{_VERB}|{_MAY})\b"
    r"|^(?:was|were) not\b"
)
# What has an amount or a verb is no mere item of a list.
NO_ITEM = rf"\b(?:{_AMOUNT}|{_VERB}|there|no|not|with|without|enlarged)\b"
# Of what is not there nothing of this is said, however long the list is.
OWN_CHANGE = (
    r"\b(?:remains?|persists?|unchanged|stable|improved|improving|worse|worsened|worsening|resolved"
    r"|increased|increasing|decreased|decreasing|larger|smaller|in (?:\w+ )?(?:place|situ|position)"
    r"|ends|terminates|projects)\b"
)
# What is denied, or doubted, to have changed: "no evidence that the effusion has resolved".
CHANGE_DENIED = (
    r"\b(?:no|not|nor|never|without|lack of|absence of)\b[^,;]*"
    rf"\b(?:that\b[^,;]*|{_EVIDENCE} (?:the|this|these|those)\b(?:(?!\band\b)[^,;])*)$"
)
CHANGE_DOUBTED = r"\b(?:possible|possibly|possibility|may be|might be|likely|probable) that\b"
CHANGED_AFTER = (
    rf"^[^,;]{{0,40}}?\b(?:(?:is|are|was|were|has|have|had)(?: {_HOW}){{0,3}} {_CHANGED})\b"
)
# What nobody can exclude is doubted, though "exclude" denies and "rule out" asks.
NOT_EXCLUDED = (
    r"\b(?:(?:can|could|do|does|did)(?:not| not|n?['’]t)|not|unable to|difficult to|hard to"  # noqa: RUF001
    r"|fail(?:s|ed|ure) to) (?:\w+ ){0,2}?(?:exclud\w+|rul(?:e|ing) out)\b"
)
ASKED = (  # it is looked for, or was once there, and nothing is said of it
    r"\b(?:history of|hx of|h/o|evaluat\w+|eval|assess\w*|sensitivity|rule out|r/o|check)\b|\?"
)
# Further things of which is said that they are not: "effusion, edema and nodules have resolved".
LIST_AFTER = (
    r"^(?:, (?:and )?\w+(?: \w+)?)*,? and \w+(?: \w+)?(?= (?:have|are|were)(?: now| all| both"
    r"| since| been| \w+ly)* (?:resolved|cleared|gone|disappeared|removed|absent|unlikely|excluded"
    r"|ruled out|no longer|not)\b| is none$)"
)
DENIED_BEFORE = (
    r"\b(?:no|not|without|nor|neither|never|absent|absence of|lack of|negative for|free of"
    r"|clear of|resolved(?= (?!and\b|with\b)\w| $)|resolution of|interval clearing of"
    r"|excludes?|denies|deny|removal of|mistaken for|unlikely"
    r"|fail(?:s|ed)? to (?:show|demonstrate|reveal|identify|detect))\b"
)
_PLACE = r"(?: (?:(?:on|in|at) )?(?:the )?(?:right|left|r|l)(?: side| lung)?)?"
DENIED_AFTER = (
    rf"^{_PLACE} (?:now |completely |entirely )?(?:resolved|cleared|gone|disappeared|removed|none"
    r"|nil)\b|"
    rf"^{_PLACE} (?:no|negative)(?: (?:seen|identified))?(?=[,;]|$)|^, (?:none|nil)(?=[,;]|$)|"
    r"^[^,;]{0,40}?\b(?:(?:is|are|was|were|has|have)(?: been)? )?"
    r"(?:no longer \w+|not (?:\w+ )?(?:likely|confirmed|seen|identified|present"
    r"|visuali[sz]ed|demonstrated|evident|appreciated|detected|noted|observed|apparent|found|suspected)|(?:has|have|had|is|are)"
    r"(?: \w+)? (?:resolved|cleared|gone|disappeared)|(?:is|are) (?:none|no|nil|negative)$"
    r"|(?:absent|unlikely)\b(?! to\b)|(?:is|are) (?:excluded|removed)"
    r"|(?:has|have) been (?:removed|excluded)|(?<!not )(?<!not be )ruled out)"
)
DOUBTED_BEFORE = (
    r"\b(?:may|might|could|would|possib(?:le|ly|ility)|probabl[ey]|perhaps|likely|likelihood|doubt"
    r"|suspect\w*|suspicio(?:n|us)|suggest\w*|question\w*|concern(?:s|ing)?|worrisome|equivocal|borderline"
    r"|exclude[ds]?|versus|vs|differential|potential\w*|top|upper|presum\w+|raises?|doubtful)\b"
)
DOUBTED_AFTER = (
    rf"^{_PLACE} (?:possible|probable|likely|questionable|suspected|uncertain|equivocal)"
    r"(?= (?:at|in|on|left|right)\b|[,;]|$)|"
    r"^[^.;]{0,60}?\b(?:(?:can|could)(?:not| not)(?: be)? (?:\w+ )?(?:excluded|ruled out|exclude$)"
    r"|not (?:be )?(?:\w+ )?(?:excluded|ruled out)|difficult to exclude|to be excluded"
    r"|(?:may|might|could) (?:\w+ )?(?:have|be) (?:\w+ )?(?:resolved|cleared|removed)"
    r"|(?:possibly|probably|likely|presumably) (?:\w+ )?(?:resolved|cleared|removed)"
    r"|(?:is|are|remains?) (?:\w+ )?(?:possible|possibilit\w+|suspected|questionable|likely"
    r"|probable|considered|doubtful|uncertain|equivocal|in (?:the )?differential)|likely present"
    r"|(?:may|might|could) be (?:\w+ )?present|suspected|borderline|versus|vs|upper limits?"
    r"|top[- ]normal)|^ ?\?"
)
# A cue reaches no farther than these.
ENDS = (
    r"\s[-–—]\s"  # noqa: RUF001
    r"|\b(?:but|however|although|though|yet|except|aside from|apart from|other than|whereas|while"
    r"|(?<!\bthat )(?<!\bif )(?<!\bwhether )there (?:is|are|has|have)"
    r"|due to|secondary to|related to|given|despite|which)\b"
    r"|, (?:with|stable|unchanged|persistent|mild|mildly|moderate|small|minimal)\b"
    r"|\band (?:stable|unchanged|persistent|mild|mildly|moderate|small|minimal|low)\b"
)
# A new amount is not denied with what is before it: "no pneumothorax with small effusion".
ENDS_BEFORE = rf"{ENDS}|(?<!consistent )(?<!compatible )\bwith (?:an? )?{_AMOUNT}\b"
