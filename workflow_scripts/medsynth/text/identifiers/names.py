"""Words by which names are told from others where no title with a full stop stands before them.

Given names are some of the most frequent ones of the United States and of Europe that are no words
of reports: not Frank, Grace, Mark, Ray or Will.
"""

from __future__ import annotations

GIVEN = (
    "james|john|robert|michael|william|david|richard|joseph|thomas|charles|christopher|daniel"
    "|matthew|anthony|donald|steven|stephen|andrew|paul|joshua|kenneth|kevin|brian|george|timothy"
    "|ronald|edward|jason|jeffrey|ryan|jacob|nicholas|gary|eric|jonathan|larry|justin|scott|brandon"
    "|benjamin|samuel|gregory|alexander|patrick|dennis|jerry|tyler|aaron|jose|adam|nathan|henry"
    "|douglas|zachary|peter|kyle|noah|ethan|jeremy|walter|keith|roger|terry|sean|gerald|carl"
    "|harold|dylan|arthur|lawrence|jordan|jesse|bryan|gabriel|bruce|logan|albert|willie|alan|eugene"
    "|russell|vincent|philip|phillip|bobby|johnny|bradley|louis|luis|carlos|juan|miguel|pedro"
    "|antonio|francisco|manuel|jorge|hans|klaus|jürgen|wolfgang|dieter|stefan|andreas|pierre|jacques"
    "|giovanni|marco|mohammed|muhammad|mohamed|ahmed|mary|patricia|jennifer|linda|elizabeth|barbara"
    "|susan|jessica|sarah|karen|lisa|nancy|betty|sandra|margaret|ashley|kimberly|emily|donna"
    "|michelle|carol|amanda|melissa|deborah|stephanie|rebecca|sharon|laura|cynthia|kathleen|amy"
    "|angela|shirley|anna|anne|brenda|pamela|emma|nicole|helen|samantha|katherine|christine|debra"
    "|rachel|carolyn|janet|jane|maria|catherine|diane|olivia|julie|joyce|victoria|ruth|virginia"
    "|lauren|kelly|christina|joan|evelyn|judith|andrea|hannah|megan|cheryl|jacqueline|martha"
    "|teresa|gloria|sara|janice|kathryn|abigail|sophia|frances|alice|judy|isabella|julia|denise"
    "|marilyn|danielle|beverly|charlotte|natalie|theresa|diana|brittany|doris|ursula|monika"
    "|sabine|fatima"
)
# Who is spoken of without a name.
PERSONS = (
    "patients?|persons?|women|men|hospital|pt|he|she|they|we|i|infant|baby|child|neonate|mother|father|parents?|family|wife"
    "|husband|daughter|son|man|woman|male|female|gentleman|lady|clinician|practitioner|manager"
    "|teams?|nurses?|nursing|physicians?|doctors?|surgeons?|surgery|surgical|clinic|service"
    "|radiology|radiologists?|medicine|medical|residents?|attending|fellow|intern|staff|house"
    "|housestaff|providers?|caregiver|floor|ward|unit|department|emergency|intensive|ordering"
    "|referring|requesting|covering|primary|oncology|cardiology|pulmonary|ed|er|icu|micu|sicu|ccu"
    "|or|ob|someone|caring|taking|author|authors|practice|office|results?|who|whom|which|telephone|phone"
)
# Words of reports that follow MR, MS or a verb and are in no name.
ORDINARY = (
    r"drs?|prof|none|discuss|report|convey|inform|notify|review|using|axial|coronal|sagittal|pulse|fast|gradient|mip|healthy|otherwise|currently|recently|previously|initially|a|an|there|these|those|its?|his|her|their|our|all|both|each|no|some|any|more|most|less|new|old"
    r"|prior|previous|recent|current|same|other|further|then|than|when|if|into|over|under|within"
    r"|without|during|since|until|between|can|may|might|could|would|should|will|shall|must|does"
    r"|did|do|so|also|only|again|now|here|yet|still|possible|likely|probable|suspected|known|stable"
    r"|unchanged|normal|abnormal|acute|chronic|mild|moderate|severe|small|large|left|right|upper"
    r"|lower|mid|middle|anterior|posterior|lateral|medial|bilateral|focal|diffuse|early|late|subtle"
    r"|significant|definite|clear|limited|low|high|good|poor|single|multiple|few|additional"
    r"|imag(?:e|es|ing)|scans?|scanners?|scanning|exam(?:ination)?s?|stud(?:y|ies)|series|sequences?"
    r"|signals?|weighted|protocols?|techniques?|contrast|gadolinium|enhanc\w+|guid(?:ed|ance)"
    r"|compatible|conditional|safe|perfusion|diffusion|flow|tractography|flair|dwi|adc|stir|t[12]\w*"
    r"|evidence|correlat\w+|appearances?|characteristics|features?|suggest\w*|recommend\w*|follow"
    r"|follow-?up|dated|show\w*|demonstrat\w*|reveal\w*|perform\w*|obtain\w*|compar\w*|confirm\w*"
    r"|consistent|need\w*|help\w*|better|brain|head|neck|face|orbits?|pituitary|skull|spin\w+"
    r"|cervical|thoracic|lumbar|sacral|chest|thorax|lungs?|lobes?|hil\w+|heart|cardiac|aort\w+"
    r"|medias\w+|pleur\w+|breasts?|abd\w+|pelvis|pelvic|liver|hepatic|kidneys?|renal|prostate|uter\w+"
    r"|rectal|bowel|pancrea\w+|spleen|biliary|bones?|bony|ribs?|clavic\w+|shoulders?|elbows?|wrists?"
    r"|hands?|hips?|thighs?|knees?|ankles?|foot|feet|legs?|arms?|joints?|muscles?|soft|tissues?"
    r"|arter\w+|ven(?:ous|a|ogram)|veins?|vascul\w+|nerves?|airway|trachea\w*|diaphragm\w*|lesions?"
    r"|plaques?|nodul\w+|mass(?:es)?|opaci\w+|infiltrat\w+|effusions?|edema|oedema|consolidat\w+"
    r"|pneumo\w+|atelect\w+|fractur\w+|cardiomegaly|congest\w+|collaps\w+|scar\w*|tumou?rs?|cysts?"
    r"|cancers?|carcinoma|metasta\w+|hemorrhage|infarct\w*|stroke|disease|diagnos\w+|relaps\w+"
    r"|remitting|activity|burden|progressi\w+|exacerbation|therapy|treatment|attacks?|flares?"
    r"|duration|related|mimics?|types?|patterns?|lines?|tubes?|catheters?|devices?|leads?|tips?"
    r"|pacemakers?|stents?|wires?|clips?|supports?|drains?|port|station|call\w*|bell|page|view\w*"
    r"|film\w*|radiograph\w*|x-?rays?|ct|pet|mri?|ultrasound|echo\w*|ap|pa|code|note\w*|visible|present"
    r"|absent|mit|und|ist|war|hat|bei|nach|ohne|im|der|die|das"
    r"|\w+(?:graph\w*|grams?|scop\w+|ical|ular|itis|osis|ation|ities|emia|ectomy|otomy|plasty|ized)"
)
