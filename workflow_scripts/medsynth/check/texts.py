"""Whether a cohort's texts can be learned of, as far as its table tells."""

from __future__ import annotations

import pandas as pd

from medsynth.check.findings import Findings
from medsynth.cohorts.settings import CohortSettings
from medsynth.config.schema import Config
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import TRAIN, USED, used
from medsynth.store.quarantine import reason_lines

MOST_CLEANED = 20_000  # texts; more take minutes


def check_texts(
    name: str,
    cohort: CohortSettings,
    frame: pd.DataFrame,
    splits: pd.DataFrame,
    config: Config,
    told: Findings,
) -> None:
    """Ask of the texts what the workflow asks before it trains on them.

    Texts out of reports are not read: they are many files.

    Args:
        name, cohort: of the cohort.
        frame: index manifest.
        splits: of its patients.
        config: the experiments.
        told: is added to.
    """
    asked = any(one.cohort == name and "texts" in one.needs for one in config.experiments)
    rows = used(frame)
    if not asked or "reports" in cohort.provided() or not 0 < len(rows) <= MOST_CLEANED:
        return
    # torch, which few checks need
    from medsynth.cohorts.texts import texts_of
    from medsynth.tasks.texts import refuse_one_text
    from medsynth.text.tokenizer import Tokenizer

    place = f"cohorts.{name}.text"
    try:
        split_of = splits.set_index("patient")["split"]
        rows = rows.assign(item_id=rows["source"], split=rows["patient"].map(split_of))
        settings = cohort.text.model_dump(mode="json")  # type: ignore[attr-defined]
        table, content = texts_of(rows, None, settings)
        for line in reason_lines(table["reason"]):
            told.note(place, f"quarantined: {line}")
        train = table[(table["split"] == TRAIN) & (table["status"] == USED)]
        refuse_one_text(Tokenizer(content).encode(train["text"].tolist()), f"cohort {name}")
    except MedsynthError as error:
        told.mistake(place, str(error))
