"""The cohort's manifest, its counts, and what stops it."""

from __future__ import annotations

import pandas as pd
import pytest

from medsynth.cohorts.assemble import assemble, genotype_counts, join_labels
from medsynth.cohorts.splits import carry_labels
from medsynth.genomics.evidence import Share
from medsynth.store.manifests import manifest
from medsynth.store.quarantine import CohortError, log_unused

SPLITS = pd.DataFrame({"patient": ["p1", "p2", "p3"], "split": ["train", "test", "train"]})


def row(item: str, patient: str, **columns) -> dict:
    return (
        {"item_id": item, "source": item, "patient": patient, "group": f"g{item}"}
        | {
            "label": "A",
            "status": "used",
            "shard": 0,
        }
        | columns
    )


def parts() -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    index = manifest(
        [
            row("1", "p1"),
            row("2", "p2"),
            row("3", "p3", status="excluded", reason="view"),
            row("4", "p1", status="quarantined", reason="missing_file"),
            row("5", "p3", label="B"),
        ]
    )
    first = manifest([row("1", "p1", row=0), row("5", "p3", label="B", row=1)])
    second = manifest([row("2", "p2", row=0, shard=1)])
    return index, [first, second]


def test_assembles_and_counts():
    index, shards = parts()
    frame, quarantine, summary = assemble(index, shards, SPLITS, None)
    assert frame["item_id"].tolist() == ["1", "4", "2", "3", "5"]
    assert frame["split"].tolist() == ["train", "train", "test", "train", "train"]
    assert quarantine["item_id"].tolist() == ["4"]
    assert summary == {
        "items": {"in": 5, "used": 3, "quarantined": 1, "excluded": 1},
        "files": {"wanted": 4, "quarantined": 1},
        "reasons": [
            {"status": "excluded", "reason": "view", "n": 1},
            {"status": "quarantined", "reason": "missing_file", "n": 1},
        ],
        "by_label_split": [
            {"label": "A", "split": "test", "items": 1, "patients": 1},
            {"label": "A", "split": "train", "items": 1, "patients": 1},
            {"label": "B", "split": "train", "items": 1, "patients": 1},
        ],
    }


def test_late_labels_replace_and_exclude():
    index, shards = parts()
    labels = pd.DataFrame(
        {
            "group": ["g1", "g2"],
            "label": ["mutant", None],
            "status": ["used", "excluded"],
            "reason": [None, "no_call"],
        }
    )
    frame, _, _ = assemble(index, shards, SPLITS, labels)
    frame = frame.set_index("item_id")
    assert frame.loc["1", "label"] == "mutant"
    assert frame.loc["2", ["status", "reason"]].tolist() == ["excluded", "no_call"]
    assert frame.loc["5", ["status", "reason"]].tolist() == ["excluded", "no_genotype"]
    assert frame.loc["4", "reason"] == "missing_file"
    pd.testing.assert_frame_equal(index, parts()[0])  # join_labels works on a copy
    assert join_labels(index, labels).loc[0, "label"] == "mutant"


def test_the_split_table_carries_late_labels_to_the_manifest():
    index, shards = parts()
    labels = pd.DataFrame(
        {
            "group": ["g1", "g2", "g3", "g4", "g5"],
            "label": ["mutant", None, "x", "mutant", "wildtype"],
            "status": ["used", "excluded", "used", "used", "used"],
            "reason": [None, "no_call", None, None, None],
        }
    )
    divided = pd.DataFrame({"patient": ["p1", "p3"], "split": ["train", "train"]})
    carried = carry_labels(divided, index, labels)
    assert carried["patient"].tolist() == ["p1", "p2", "p3", "p1", "p3"]
    assert carried["split"].fillna("none").tolist() == ["train", "none", "train", "train", "train"]
    frames = [
        assemble(index, shards, splits, of)[0]
        for splits, of in ((divided, labels), (carried, carried))
    ]
    pd.testing.assert_frame_equal(*frames)
    assert frames[1].set_index("item_id").loc["1", ["label", "split"]].tolist() == [
        "mutant",
        "train",
    ]


def test_a_cohort_that_cannot_be_built_says_the_reasons():
    reasons = ["view", "no_finding", "view", "no_finding", "view"]
    index = parts()[0].assign(status="excluded", reason=reasons)
    with pytest.raises(CohortError, match=r"no image .*\n  3 view: the view .*\n  2 no_finding: "):
        assemble(index, [index[:0]], SPLITS, None)


def test_what_is_not_used_is_logged_with_its_reason_and_no_name(caplog):
    index, _ = parts()
    log_unused(index.assign(item_id="p10000032"))
    assert [record.message.partition(" the ")[0] for record in caplog.records] == [
        "excluded: 1 view:",
        "quarantined: 1 missing_file: a table names",
    ]
    assert "p10000032" not in caplog.text


def test_what_a_shard_excludes_is_not_wanted():
    index, shards = parts()
    shards[1] = shards[1].assign(status="excluded", reason="burned_in", row=None)
    summary = assemble(index, shards, SPLITS, None)[2]
    assert summary["items"]["excluded"] == 2
    assert summary["files"] == {"wanted": 3, "quarantined": 1}


def test_a_cohort_without_usable_images_stops():
    index, _ = parts()
    index = index[index["status"] != "used"]
    with pytest.raises(CohortError, match="no image of this cohort"):
        assemble(index, [manifest([])], SPLITS, None)


def test_genotype_counts_say_what_calls_rest_on():
    calls = pd.DataFrame(
        {
            "subtype": ["IDH-wildtype", None, "IDH-wildtype"],
            "reason": [None, "idh_missing", None],
            "idh_rests_on": ["silent_exome", None, "positive_stain"],
            "codeletion_source": ["copy_number", "fish", None],
            "conflict": [None, "fish", None],
        }
    )
    quarantine = pd.DataFrame({"reason": ["not_a_table"]})
    assert genotype_counts(calls, quarantine, [Share("maf files", 1, 9)]) == {
        "cases": 3,
        "class": {"IDH-wildtype": 2},
        "no_class_because": {"idh_missing": 1},
        "idh_rests_on": {"positive_stain": 1, "silent_exome": 1},
        "1p_19q_from": {"copy_number": 1, "fish": 1},
        "assays_in_conflict": 1,
        "not_usable_in_tables": {"not_a_table": 1},
        "tables": [{"what": "maf files", "unusable": 1, "of": 9}],
    }
