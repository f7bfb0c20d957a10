"""ROUGE-L, BLEU and the F1 of findings against hand-made and other computations."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from medsynth.metrics.intervals import share_interval
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.text.evaluation import evaluate_reports
from medsynth.metrics.text.findings import f1, findings_of, macro_f1, micro_f1
from medsynth.metrics.text.overlap import (
    bleu,
    bleu_counts,
    longest_common_subsequence,
    rouge_l,
    words,
)
from medsynth.text.labeler import FINDINGS


def subsequence_by_table(a: list[str], b: list[str]) -> int:
    """Oracle: the textbook's table."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            longest = max(table[i - 1, j], table[i, j - 1])
            table[i, j] = table[i - 1, j - 1] + 1 if x == y else longest
    return int(table[-1, -1])


def test_the_longest_common_subsequence_is_the_tables():
    rng = np.random.default_rng(0)
    for _ in range(100):
        a, b = (rng.choice(list("abcde"), rng.integers(0, 90)).tolist() for _ in range(2))
        assert longest_common_subsequence(a, b) == subsequence_by_table(a, b)


def test_rouge_l_by_hand():
    # Lin 2004, sec. 3.1: "police killed the gunman" against two others.
    reference = words("Police killed the gunman.")
    assert rouge_l(words("police kill the gunman"), reference) == 3 / 4
    assert rouge_l(words("the gunman kill police"), reference) == 2 / 4
    assert rouge_l(words("the gunman"), reference) == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert rouge_l([], reference) == rouge_l(reference, []) == rouge_l([], []) == 0


def test_bleu_of_summed_counts_is_that_of_the_corpus():
    texts = ["the heart is large .", "no effusion", "the lungs are clear and well expanded"]
    references = ["The heart is enlarged .", "no pleural effusion", "the lungs are clear"]
    counts = bleu_counts(texts, references)
    whole = sacrebleu.corpus_bleu(texts, [references], lowercase=True).score / 100
    assert bleu(counts) == pytest.approx(whole, abs=1e-12)
    assert 0 < bleu(counts) < 1 and bleu(bleu_counts(references, references)) == pytest.approx(1)
    assert bleu(bleu_counts([""], ["no effusion"])) == 0


def test_f1_by_hand():
    answers = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], bool)
    truth = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], bool)
    assert f1(answers, truth)[:2].tolist() == [0.5, 1.0] and np.isnan(f1(answers, truth)[2])
    assert macro_f1(answers, truth) == 0.75
    assert micro_f1(answers, truth) == 2 * 3 / (4 + 4)


def test_doubted_findings_count():
    found = findings_of(["Possible pneumonia.", "No pneumonia."])
    assert [FINDINGS[k] for k in np.flatnonzero(found[0])] == ["Pneumonia"]
    assert [FINDINGS[k] for k in np.flatnonzero(found[1])] == ["No Finding"]


def test_reports_are_judged_beside_their_baselines_by_patient():
    truth = ["Cardiomegaly.", "Pleural effusion.", "No acute process."] * 8
    patients = np.repeat(np.arange(12).astype(str), 2)
    others = {"always the same": ["No acute process."] * 24}
    given = truth, truth, patients, others, Evaluation(), 0
    found = evaluate_reports(*given)
    right = found["metrics"]["finding_f1_macro"]
    assert right["value"] == 1 and right["reason"] is None
    assert right["interval"] == share_interval(np.ones(12))  # Wilson's, of 12 patients
    # 8 of 24 stated rightly, 16 wrongly: F1 1/2 of No Finding, 0 of two others.
    assert right["null"]["always the same"] == pytest.approx(0.5 / 3)
    assert found["metrics"]["finding_f1_micro"]["null"]["always the same"] == pytest.approx(1 / 3)
    assert set(found["per_class"]) == {"No Finding", "Cardiomegaly", "Pleural Effusion"}
    assert found["per_class"]["Cardiomegaly"]["finding_f1"]["support"] == 8
    assert found == evaluate_reports(*given)

    same = evaluate_reports(others["always the same"], *given[1:])["metrics"]["rouge_l"]
    assert "not shown to be better than always the same" in same["reason"]
    few = evaluate_reports(truth[:3], truth[:3], patients[:3], {}, Evaluation(), 0)
    assert few["metrics"]["rouge_l"]["interval"] is None
