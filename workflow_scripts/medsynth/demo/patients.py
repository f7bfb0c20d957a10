"""What is known of the demo's glioma cases beside slides and sequences, as cBioPortal says it.

Each column leans to its genotype and none tells it, so that a prediction from all of them can be
better than from any. Some patients lack the genes, and some a value.
"""

from __future__ import annotations

from medsynth.demo.cases import Case
from medsynth.runtime.seeding import numpy_rng

AGE = {"IDH-wildtype": 60, "IDH-mutant non-codeleted": 38, "IDH-mutant codeleted": 46}
MONTHS = {"IDH-wildtype": 14, "IDH-mutant non-codeleted": 60, "IDH-mutant codeleted": 90}
# How often a gene is altered: about as in TCGA's gliomas, IDH-wildtype first, codeleted last.
ALTERED = {
    "TP53_mut": (0.3, 0.85, 0.1),
    "ATRX_mut": (0.1, 0.75, 0.05),
    "CIC_mut": (0.05, 0.05, 0.6),
    "EGFR_cnv": (0.5, 0.05, 0.05),
    "PTEN_cnv": (0.6, 0.1, 0.1),
}
ABSENT = "NA"
WITHOUT_GENES, WITHOUT_AGE = 0.15, 0.05
FOLLOWED = 72  # months at most, after which a patient is censored


def patient_row(case: Case, seed: int) -> dict[str, str]:
    """A row of patients.tsv; of censorship 1 means censored, as in many such tables."""
    rng = numpy_rng(seed, "patient", case.barcode)
    age = rng.normal(AGE[case.subtype], 12)
    row = {
        "case": case.barcode,
        "age": ABSENT if rng.random() < WITHOUT_AGE else f"{max(age, 18):.0f}",
        "sex": "female" if rng.random() < 0.45 else "male",
    }
    months, until = rng.exponential(MONTHS[case.subtype]) + 0.5, rng.uniform(6, FOLLOWED)
    row |= {
        "survival_months": f"{min(months, until):.1f}",
        "censorship": "0" if months < until else "1",
    }
    read = rng.random() >= WITHOUT_GENES
    place = list(AGE).index(case.subtype)
    for gene, shares in ALTERED.items():
        altered = rng.random() < shares[place]
        row[gene] = str(int(altered)) if read else ABSENT
    return row
