"""Words of the headings of radiology reports in other languages than English.

A line in capitals or before a colon may be a heading or a name; only one that is made of these
words is shown to anybody.
"""

from __future__ import annotations

import re
import unicodedata

from medsynth.text.headings import VIEWS

_WORD = re.compile(r"[^\W\d_]+")


def _folded(text: str) -> str:
    """In small letters and without accents, which capitals often lack."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


_HEADINGS = set(
    _folded(
        # English, where no section is called so
        "diagnosis diagnoses result results"
        # German
        " befund befunde befundung befundtext röntgenbefund beurteilung zusammenfassung fazit"
        " bewertung diagnose diagnosen fragestellung klinik anamnese vorgeschichte indikation"
        " technik untersuchungstechnik untersuchung vergleich voruntersuchung voraufnahmen"
        # French
        " résultat résultats constatations diagnostic antécédents comparaison motif renseignements"
        " interprétation synthèse"
        # Spanish, Portuguese, Italian
        " hallazgos hallazgo impresión conclusión conclusiones diagnóstico técnica indicación"
        " indicaciones comparación antecedentes informe historia achados impressão conclusão"
        " indicação comparação relatório laudo reperti referto conclusioni tecnica indicazione"
        " quesito confronto esame diagnosi anamnesi giudizio"
        # Dutch, the Nordic languages
        " bevindingen bevinding conclusie beoordeling vraagstelling techniek indicatie"
        " vergelijking verslag utlåtande bedömning fynd frågeställning teknik anamnes svar"
        " slutsats funn vurdering konklusjon beskrivelse konklusion löydökset lausunto"
        # Polish, Czech, Hungarian, Romanian, Turkish, Greek
        " opis wnioski wynik rozpoznanie wskazania technika popis závěr nález lelet vélemény"
        " rezultat concluzie concluzii bulgular sonuç ευρήματα συμπέρασμα"
        # Russian, Ukrainian, Arabic
        " описание заключение результат диагноз опис висновок النتائج الانطباع التقنية"
        # Chinese, Japanese, Korean
        " 检查所见 影像所见 放射学表现 影像表现 所见 诊断 诊断意见 影像诊断 放射学诊断 印象"
        " 结论 意见 检查方法 临床诊断 所見 診断 結論 検査方法 検査目的 臨床情報 판독 소견 결론"
        " 판독소견"
    ).split()
)
_BESIDE = {_folded(word) for word in VIEWS} | set(
    _folded(
        "und der die das des zur et le la les du de y e i el los del della dei og och en van het"
        " clinical question klinische klinischer klinisches radiologische radiologischer"
        " technique techniques conclusion conclusions impression indication indications findings"
        " history comparison cliniques clinique clínica clínico clinica clinico"
    ).split()
)


def is_known_heading(name: str) -> bool:
    """Whether it is made of such words alone, beside small ones and names of views."""
    words = set(_WORD.findall(_folded(name)))
    return bool(words & _HEADINGS) and words <= _HEADINGS | _BESIDE
