"""Words about contrast medium, as data: how headers, protocols and tables write the phase of a CT.

English, German, French, Spanish, Portuguese, Italian, Dutch, Nordic and Slavic languages (the
latter also romanised), Turkish, Chinese, Japanese and Korean. Descriptions are cut off after 16 to
64 characters (VR SH, LO), so "contrast" is often a stump, and "WITH" at the end may be "WITHOUT".

A word here is lower case, without accents or full stops (i.v. is "i v"); "*" stands for any ending,
"⊕", "⊖" and "±" for a sign at a medium's short name: C+, +C, KM(-), CE+/-. Words are divided by
bars.
"""

from __future__ import annotations

PLAIN, ENHANCED = "ct", "cect"
BOTH = "both"  # before and after contrast medium
PHASE = "phase"  # of the blood's filling: contrast medium, if it is a series that is called so
NEITHER = "neither"  # finds the place or the moment for another series, or is calculated from one
NEUTRAL = "neutral"  # reads like a phase and says nothing about one

WORDS = {
    "WITH": "with|w /|w|mit|avec|con|com|met|med|plus|incl|including|cu|dengan",
    "WITHOUT": "without|w / o|w / out|w out|w / 0|w o|wo|ohne|sans|sin|sem|senza|zonder|utan|uden"
    "|uten|bez|fara|ilman|tanpa|без",
    "NO": "no|non|not|never|nil|ss|none|kein|keine|keinem|keiner|keines|nicht|pas de|pas d|geen"
    "|nao|nessun*|aucun*|ningun*|nenhum*|minus|refused|declined|нет",
    "BEFORE": "before|pre|prae|vor|avant|antes|antes de|prima|prima del|prima di|previo|previo a"
    "|voor|prior to|fore|før|innan",
    "AFTER": "after|following|post|nach|apres|despues|despues de|apos|pos|depois|depois de|dopo|na"
    "|efter|etter|posle|после",
    "AND": "and|or|then|&|+|/|-|und|oder|u|et|ou|puis|y|o|e|en|of|i|и",
    "MEDIUM": "contrast|contrasts|contrasted|contraste|contrastes|contrastad*|contrasto"
    "|contrastat*|contrastmiddel|contrastmiddelen|contrastvloeistof|contrastmedi*|kontrast"
    "|kontraste|kontrastmittel|kontrastmittels|kontrastmittelgabe|kontrastmittelphase"
    "|kontrastmittelverst*|kontrastmittelunterst*|kontrastgabe|kontrastmedi*|kontrastmed*"
    "|kontrastverst*|kontrastem|kontrastom|kontrasta|kontrastu|kontrascie|kontrastia|kontras"
    "|kontraszt|kontrasztos|kontrastn*|kontrastir*|kontrastli|kontrastlı|km|mdc|m d c|pdc|контраст"
    "|контраста|контрастом|контрастн*|контрастир*|造影剤|造影剂|조영제",
    # These mean the medium only after a word of with, without, before or after.
    "STUMP": "con|cont|contr|contra|contras|cntr|cntrst|ctrst|contast|conrast|constrast|infus*|gad"
    "|ce|enh|enhance|enhanced|enhancem*|inj|injec*|iniez*|inyec*|gd|gado*|iodin*|iode|iodo|yodo"
    "|jod|dye|усилени*",
    # What stands between such a word and the medium.
    "BETWEEN": "iv|i v|intraven*|endoven*|ev|e v|the|any|of|de|du|des|di|del|da|do|d|l|la|le|el|il"
    "|un|mezzo|mezzi|medio|medios|meio|meios|moyen|produit|produits|agente|agent|administration"
    "|administracion|administracao|somministrazione|administer*|application|gabe|toediening"
    "|injection|injecao|inyeccion|iniezione|infusion|use|bolus|nonionic|dynamic*|standard|venous"
    "|venos*|veneus*|veineu*|por|via|внутривенн*",
    "VEIN": "iv|i v|piv|civ|intraven*|endoven*|ev|e v|venous line|внутривенн*",
    "ORAL": "oral*|oraal|peroral*|per os|p o|po|vo|by mouth|rectal*|rektal*|rettal*|enteral"
    "|enteric|gi|bowel|ng|gastrogra*|gastrovi*|barium|bario|readi|readicat|redicat|e z cat|ez cat"
    "|volumen|breeza|water soluble|water|wasser|eau|agua|acqua|milk|mannit*|polyethyl*|peg",
    # Beside the blood's way: joints, spinal canal, bladder, ducts.
    "ELSEWHERE": "CAVITIES|intrathecal*|intra thecal*|intraartic*|intra artic*|intravesic*"
    "|intracav*|intradisc*|intralymph*|intraperit*|via catheter|via drain|topical|bladder|foley"
    "|catheter|nephrostom*|stoma|fistul*",
    "CAVITIES": "arthro*|artro*|myelo*|mielo*|cysto*|cisto*|hysterosalping*|fistulogra*|sinogra*",
    "NOTHING": "saline|nacl|na cl|kochsalz*|ringer*|air|luft|xenon|co 2",
    "CECT": "cect|ce ct",
    "ANGIO": "CECT|cta|ctas|ctpa|angio|angiogra*|angioct|angiotc|angiotac|angioscan*|angiotdm"
    "|arteriogra*|venogra*|phlebogra*|pulmonary angio",
    "ENHANCED": "enhanced|injecte|injectee|injectes|injectees|inyectad*|injetad*|zengqiang"
    "|zeng qiang|zouei|zoei|zoueigo|joyeong|joyoung|增强|增強|造影|造影後|造影后|조영|조영후"
    "|co tiem|co thuoc|sau tiem|조영증강|조영 증강",
    "BARE": "plain|un enh|un enhanced|nativ|native|natif|nativ*|natywn*|ncct|nect|ncect|nce|cnect"
    "|pingsao|ping sao|tanjun|tanjyun|blanco|basale|fase basal|simple y contrast*"
    "|simple y con contrast*|kontrastsiz|kontrastsız|kontraszt nelkul|khong tiem|khong thuoc"
    "|truoc tiem|kontrastlos|kontrastiton|kontrastfri|kontrastfrei*|kontrastmittelfrei*|bijoyeong"
    "|нативн*|натив|平扫|平掃|单纯|単純|造影なし|造影前|非造影|未增强|非增强|无增强|無造影"
    "|비조영|조영전|조영 전|조영제 없이|ca scor*"
    "|calcium scor*|calciumscor*|cascor*|cac scor*|cacs|cac|smartscore|smart score|calcio scor*"
    "|score calcique|escore de calcio|kalk scor*|kalkscor*|agatston",
    "PHASES": "arterial*|arteriel*|arterieel|arteriell*|arterios*|venous|venos*|venoes*|veneus*"
    "|veneuz*|veineu*|venozn*|portal*|portaal*|portoven*|portaven*|nephrogra*|corticomed*|pvp"
    "|tetnicz*|zyln*|spatart*|spaetart*|fruhart*|fruehart*|dong mach|đong mach|tinh mach"
    "|артериальн*|венозн*|портальн*|动脉期|静脉期|门脉期|门静脉期|動脈相|門脈相|静脈相|平衡相|동맥기|문맥기|정맥기",
    # Only as "... phase".
    "PHASES_SHORT": "art|ven|pv|port|hap|nephro|excretory|equilibrium|parenchym*|hepatic"
    "|pancreatic|urographic|portal|delayed|delay|late|nephrogenic",
    "PHASE_WORD": "phase|phases|phas|ph|fase|faza|phasis|time|temps|tempo",
    # What is before or after something else than contrast medium.
    "EVENTS": "op|oper*|surg*|resect*|treat*|therap*|rt|xrt|radiat*|radiother*|chemo*|biops*|bx"
    "|process*|proc|traum*|mort*|void*|fusion|stent*|ablat*|embol*|transplant*|tx|drain*|fossa"
    "|implant*|partum|meal|exercise|dilat*",
    "LOOKS": "window|low|high|double|higher|soft tissue|tissue|auto|image|edge|best|good|poor"
    "|subject|phase|negative",
    "OF_LOOKS": "resolution|scale|phantom|window*|setting*|adjust*|detect*|stretch*|level*|filter*"
    "|ALLERGY|contraindicat*|not possible|noise|curve*|agents list|nephropath*|extravas*|leak*"
    "|swallow|enema",
    "ALLERGY": "allerg*|alerg*|reaction*",
    "SHARPENED": "resolution|filter*|recon*|edge*|visual*|sharp*|image*|mode|bone|lung|detail*",
    "ORGANS": "kidney*|renal|nephr*|vessel*|arter*|heart|lung|lungs|liver|valve*|aort*|coronar*"
    "|pancreas|spleen|bladder|anatomy|resolution|format|matrix|speaker*|american*|disease",
    "NEGATED": "none|no|non|n|nil|not given|not used|not administered|not applied|nein|nee|keine"
    "|kein|aucun|ninguno|nessuno|geen|nenhum|without|w / o|wo|withheld|held|refused|declined|なし"
    "|0 ml|0 cc",
    "UNSAID": "UNKNOWN|n / a|na|see *",
    "UNKNOWN": "unknown|unk|not known|not recorded|not specified|unspecified|tbd|unbekannt|inconnu"
    "|desconocido|sconosciuto|onbekend",
    "SPINE": "spine*|sp|spin|arm|arms|section|sect|column|wirbel*|diff",
    "FINDS": "localis*|localiz*|locator|scout*|topo|topogra*|surview*|scano*|pilot*|monitor*"
    "|premonitor*|tracker|tracking|prescan|pre scan|smartprep|smart prep|prep|surestart|sure start"
    "|test bolus|testbolus|timing|carebolus|care bolus|bolus track*|locals|reperage"
    "|orientation scan|vnc|tnc|iodine map|iodine overlay|iodine water|subtract*|subtr|perfusion*"
    "|perf|tperf",
    "LATIN_BODY": "craneo|cranio|torax|abdomen|pelvis|cerebr*|cuello|senos|columna|encefalo|tc|tac"
    "|tomografia|ct|fase|estudio",
    "RECONSTRUCTION": "aidr|aidr 3 d|eaidr|asir|idose|safire|admire|mbir|aice",
    "TRACER": "fdg|18 f|f 18|psma|dotatate|tracer|isotope|radiotracer",
    "IF": "for|if|per|fur|fuer",
    # Abbreviated with and without, of a medium's name only.
    "WITH_": "m|c|c /",
    "WITHOUT_": "o|s|s /",
    "NAME": "km|mdc|m d c|contrast|contraste|contrasto|contr|cont",
    "SIGNED": "c|ce|km|iv|inj|mdc|contrast*|kontrast*|造影|造影剤|조영제",
    # Fields of the Contrast/Bolus module. Agents that are injected: stems of international names,
    # brands, and what scanners write for "some".
    "AGENTS": "iohex*|iopam*|iodix*|iopro*|iover*|iomep*|iobit*|ioxag*|ioxil*|ioxit*|iotro*|iotal*"
    "|iothal*|iosim*|johex*|jopam*|jopro*|jomep*|diatriz*|amidotriz*|metriz*|omni*|isov*|iso|visi*"
    "|ultrav*|optir*|opti|optij*|oxilan|xenet*|iomeron|imeron|niopam|accupaq*|solutrast|telebrix"
    "|scanlux|hexabrix|conray|md 76|renograf*|hypaque|urograf*|urovis*|clarograf|pamiray|iobrix"
    "|oypalomin|bonorex|gado*|gd|magnev*|dotarem|multih*|primov*|eovist|prohance|ionic|nonionic"
    "|iod|iode|iodin*|jod*|yodo|iodo|dye|applied|ce|yes|y|true|given|ja|oui|si|sim|bolus|йод*"
    "|омнипак|ультравист|визипак",
    "NOT_GIVEN": "NEGATED|n|not|false|nessun*|nenhum*|нет|off",
    "BE": "was|were|is|has|been|wurde|wird|est|ete|fue|e stato|foi|werd",
    "GIVEN": "given|done|used|applied|administered|injected|needed|required|indicated|gegeben",
}

# What a phrase of such words says; of several that fit at one place the longest is taken, and of
# equally long ones the first. "?" makes a word optional, "..." allows several; "END" is the end of
# the text or of its part, "NUMBER" a thickness or the like that follows, "CUT" the beginning of
# "contrast" or "intravenous" at the end of the text.
PHRASES = [
    (PLAIN, "WITHOUT|NO BETWEEN... MEDIUM|STUMP ENHANCED|STUMP?"),
    (PLAIN, "WITHOUT|NO VEIN|ENHANCED"),
    (PLAIN, "WITHOUT|NO ORAL AND VEIN MEDIUM?"),
    (PLAIN, "WITHOUT|NO VEIN AND ORAL MEDIUM?"),
    (PLAIN, "WITHOUT VEIN? CUT"),
    (PLAIN, "WITHOUT c END"),
    (PLAIN, "WITHOUT END|NUMBER"),
    (PLAIN, "WITHOUT_ NAME"),
    (PLAIN, "BEFORE BETWEEN... MEDIUM|STUMP"),
    (PLAIN, "BEFORE VEIN"),
    (PLAIN, "WITHOUT|NO BETWEEN... MEDIUM|STUMP venous|venos*|veneus*|veineu*"),
    (PLAIN, "WITHOUT|NO CECT"),
    (PLAIN, "VEIN? MEDIUM|VEIN NEGATED END"),
    (PLAIN, "VEIN? MEDIUM BE... NO GIVEN"),
    (PLAIN, "MEDIUM free|frei*"),
    (PLAIN, "BARE PHASE_WORD?"),
    (PLAIN, "LATIN_BODY simple"),
    (PLAIN, "bez kl"),
    (PLAIN, "SIGNED ⊖"),
    (PLAIN, "WITHOUT|NO SIGNED ⊕"),
    (ENHANCED, "WITH BETWEEN... MEDIUM|STUMP ENHANCED|STUMP?"),
    (ENHANCED, "WITH VEIN"),
    (ENHANCED, "WITH VEIN? CUT"),
    (ENHANCED, "WITH c END"),
    (ENHANCED, "WITH_ NAME"),
    (ENHANCED, "s|z|po kontrast*|kontrascie|kl"),
    (ENHANCED, "с MEDIUM"),
    (ENHANCED, "AFTER BETWEEN... MEDIUM|STUMP"),
    (ENHANCED, "AFTER VEIN|bolus"),
    (ENHANCED, "WITH? ORAL AND VEIN MEDIUM?"),
    (ENHANCED, "WITH? BETWEEN... MEDIUM BETWEEN... ORAL AND BETWEEN... VEIN"),
    (ENHANCED, "WITH|AFTER? BETWEEN... VEIN BETWEEN... MEDIUM BETWEEN... ORAL"),
    (PLAIN, "WITHOUT|NO BETWEEN... MEDIUM BETWEEN... ORAL AND|ni|ne|nor BETWEEN... VEIN"),
    (ENHANCED, "VEIN AND ORAL MEDIUM"),
    (ENHANCED, "VEIN? MEDIUM ENHANCED|STUMP?"),
    (ENHANCED, "ENHANCED|ANGIO"),
    (ENHANCED, "SIGNED ⊕"),
    (BOTH, "WITH AND? WITHOUT BETWEEN... MEDIUM|STUMP?"),
    (BOTH, "WITHOUT AND? WITH BETWEEN... MEDIUM|STUMP?"),
    (BOTH, "BEFORE AND? AFTER BETWEEN... MEDIUM|STUMP?"),
    (BOTH, "AFTER AND? BEFORE BETWEEN... MEDIUM|STUMP?"),
    (BOTH, "STUMP AND NO STUMP|MEDIUM"),
    (BOTH, "NO STUMP AND STUMP|MEDIUM"),
    (BOTH, "wwo|wow BETWEEN... MEDIUM|STUMP?"),
    (BOTH, "SIGNED ±"),
    (BOTH, "BARE AND PHASES_SHORT PHASE_WORD?"),
    (BOTH, "PHASES_SHORT AND BARE PHASE_WORD?"),
    (PHASE, "PHASES PHASES... PHASE_WORD?"),
    (PHASE, "PHASES_SHORT PHASE_WORD"),
    (NEITHER, "BEFORE? FINDS"),
    (NEITHER, "virtual BARE|NO MEDIUM|STUMP|ENHANCED?"),
    (NEUTRAL, "WITH|WITHOUT|NO|BEFORE|AFTER? c ⊕|⊖? SPINE"),
    (NEUTRAL, "WITH|WITHOUT|NO|AFTER|BEFORE? ORAL|ELSEWHERE AND? ORAL? MEDIUM|STUMP?"),
    (NEUTRAL, "WITH|WITHOUT|NO|AFTER|BEFORE? BETWEEN... MEDIUM BETWEEN... ORAL"),
    (NEUTRAL, "CAVITIES WITH|AFTER? BETWEEN... MEDIUM|STUMP"),
    (NEUTRAL, "WITH? BETWEEN... MEDIUM|STUMP CAVITIES"),
    (NEUTRAL, "IF BETWEEN... MEDIUM|VEIN"),
    (NEUTRAL, "BEFORE|AFTER? inj* of? TRACER"),
    (NEUTRAL, "BEFORE|AFTER? TRACER inj*"),
    (NEUTRAL, "WITHOUT|NO|BEFORE ANGIO|PHASES PHASE_WORD?"),
    (NEUTRAL, "BEFORE|AFTER AND? BEFORE|AFTER? EVENTS"),
    (NEUTRAL, "LOOKS MEDIUM"),
    (NEUTRAL, "MEDIUM OF_LOOKS|UNSAID"),
    (NEUTRAL, "edge|image|detail|border enh|enhance*"),
    (NEUTRAL, "enhanced SHARPENED"),
    (NEUTRAL, "RECONSTRUCTION enhanced"),
    (NEUTRAL, "native ORGANS"),
    (NEUTRAL, "plain film*|radiograph*|x|old"),
    (NEUTRAL, "PHASES hypert*|malform*|thromb*|sinus*|calc*|line|stent*|access"),
]
