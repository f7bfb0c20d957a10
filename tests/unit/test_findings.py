"""Images with several findings: labels, divisions, conditions of networks, and what they learn."""

from __future__ import annotations

import logging
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.findings import label_findings
from medsynth.cohorts.gates.fitness import UnfitCohort, check_fitness
from medsynth.cohorts.labels import check_classes
from medsynth.cohorts.mimic_cxr.settings import FindingLabel
from medsynth.cohorts.splits import split_patients
from medsynth.models.conditioning import LabelError, combinations, condition, known_label, wanted
from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm import training as ddpm
from medsynth.models.ddpm.process import drop_labels, no_label
from medsynth.models.ddpm.sampling import generate, guided
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.ddpm.unet import build_unet
from medsynth.models.progan.layers import initialise
from medsynth.models.progan.networks import Critic, Generator
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator
from medsynth.runtime.settings import Split
from medsynth.store.manifests import classes_of, has_several, manifest, multi_hot
from medsynth.store.models import Model
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.findings import JOINT, joined
from tests.unit.image_files import GREY, cohort, encoded, indexed

VALUES = pd.DataFrame(
    [
        [1, None, None, None],  # alone
        [None, 1, 1, 0],  # two
        [None, None, None, None],  # nothing
        [1, None, 1, None],  # healthy and ill
        [1, None, None, 1],  # healthy, with a tube
        [None, -1, 1, None],  # uncertain beside a finding
        [1, -1, None, None],  # uncertain beside none
    ],
    columns=["No Finding", "Edema", "Atelectasis", "Support Devices"],
    dtype=float,
)


def labelled(
    uncertain: str = "exclude", several: str = "use", values: pd.DataFrame = VALUES
) -> list[str]:
    """The label of every row of values, or why it has none."""
    frame = pd.DataFrame({"status": "used", "reason": None}, index=values.index)
    label_findings(frame, values, uncertain=uncertain, empty="negative", several=several)
    assert set(frame.loc[frame["reason"] == "finding_contradiction", "status"]) <= {"quarantined"}
    return frame["label"].fillna(frame["reason"]).tolist()


def test_findings_of_an_image_become_its_label():
    two, tube = "Atelectasis + Edema", "No Finding + Support Devices"
    torn, healthy = "finding_contradiction", "No Finding"
    shared = [healthy, two, "no_finding", torn, tube]
    assert labelled("exclude") == [*shared, "uncertain", "uncertain"]
    assert labelled("positive") == [*shared, two, torn]
    assert labelled("negative") == [*shared, "Atelectasis", healthy]
    alone = [healthy, "ambiguous", "no_finding", "ambiguous", "ambiguous"]
    assert labelled("exclude", "exclude") == [*alone, "uncertain", "uncertain"]


@pytest.mark.parametrize("word", ["NoFinding", "No_finding", "No Findings", "Normal", "NORMAL"])
def test_nothing_found_beside_a_finding_contradicts_however_it_is_called(word):
    values = VALUES.rename(columns={"No Finding": word})
    expected = [label.replace("No Finding", word) for label in labelled()]
    assert "finding_contradiction" in expected
    assert labelled(values=values) == expected


def test_what_no_report_mentions_is_counted(caplog):
    caplog.set_level(logging.INFO)
    labelled()
    assert "9 present, 1 absent, 2 uncertain, 16 not mentioned, as if absent" in caplog.text


def test_several_yes_and_no_columns_of_a_table_are_findings(tmp_path):
    cells = [("1", "no"), ("yes", "1.0"), ("", "yes"), ("-1", "1"), ("0", "0"), ("true", "false")]
    rows = [
        {"image": f"{i}.png", "patient": f"p{i}", "edema": edema, "no_finding": healthy}
        for i, (edema, healthy) in enumerate(cells)
    ]
    files = {f"{i}.png": encoded(np.roll(GREY, i, axis=1)) for i in range(len(rows))}
    columns = {"labels": None, "findings": ["edema", "no_finding"]}
    frame = indexed(cohort(tmp_path, files, rows, columns))
    assert frame["label"].fillna(frame["reason"]).tolist() == [
        "edema", "finding_contradiction", "empty_finding", "uncertain", "no_finding", "edema"
    ]  # fmt: skip
    assert not [name for name in frame if name.startswith("label_")]
    settings = cohort(tmp_path, files, rows, columns)  # what the gate before training asks for
    assert settings.classes() == ["edema", "no_finding"] and settings.label_kind() == "findings"
    for uncertain, empty, third, fourth in [  # the third row has an empty cell, the fourth -1
        ("negative", "negative", "no_finding", "no_finding"),
        ("positive", "negative", "no_finding", "finding_contradiction"),
        ("positive", "exclude", "empty_finding", "finding_contradiction"),
        ("negative", "exclude", "empty_finding", "no_finding"),
    ]:
        means = {"uncertain": uncertain, "empty": empty}
        found = indexed(cohort(tmp_path, files, rows, columns, index=means))
        assert found["label"].fillna(found["reason"]).tolist()[2:4] == [third, fourth]
    rows[0]["edema"] = "maybe"
    with pytest.raises(CohortError, match="findings in 'edema' are neither"):
        indexed(cohort(tmp_path, files, rows, columns))
    with pytest.raises(ValidationError, match="one of them"):
        cohort(tmp_path, files, rows, {"findings": ["edema", "no_finding"]})


def test_no_class_is_called_like_two():
    with pytest.raises(ValidationError, match="joins several findings"):
        FindingLabel(kind="finding", findings=["a + b", "c"])
    for names, told in [
        (["ER +", "HER2"], "begins or ends with"),
        (["+ A", "B"], "begins or ends with"),
        (["Edema", "edema"], "differ in capitals or spaces"),
        (["Pleural Effusion", "Mass", "pleural_effusion "], "differ in capitals or spaces"),
    ]:
        with pytest.raises(ValidationError, match=told):
            FindingLabel(kind="finding", findings=names)
    assert FindingLabel(kind="finding", findings=["HER2+ve", "ER+PR"])
    with pytest.raises(CohortError, match="1 classes hold"):
        check_classes(pd.Series(["a + b", "a+b", None]), "here")


def rows_of(labels: dict[str, list[str]]) -> pd.DataFrame:
    return manifest(
        [
            {"item_id": f"{patient}{i}", "source": f"{patient}{i}", "patient": patient}
            | {"label": label, "status": "used", "shard": 0, "row": i}
            for patient, own in labels.items()
            for i, label in enumerate(own)
        ]
    )


def test_classes_are_findings_and_rows_are_multi_hot():
    rows = rows_of({"p": ["b + c", "a"], "q": ["c"]})
    assert classes_of(rows) == ["a", "b", "c"] and joined(["c", "b"]) == "b + c"
    assert has_several(rows) and not has_several(rows[rows["label"] != "b + c"])
    hot = multi_hot(rows["label"], classes_of(rows))
    assert hot.dtype == np.float32 and hot.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 1]]
    with pytest.raises(KeyError):
        multi_hot(rows["label"], ["a", "b"])


def test_patients_are_divided_by_their_findings_and_every_finding_is_learnt_and_tested():
    """Of every combination there are two patients: as strata all would be trained on."""
    letters = "abcdefghijkl"
    labels = {
        f"p{i}{j}": [f"{x} + {y}"] for j in "01" for i, (x, y) in enumerate(pairwise(letters))
    }
    rows = rows_of(labels)
    split = split_patients(rows, Split(validate_fraction=0, test_fraction=0.3), seed=1)
    found = rows.merge(split, on="patient", suffixes=("_", ""))
    for side in ("train", "test"):
        shown = {
            f for label in found.loc[found["split"] == side, "label"] for f in label.split(JOINT)
        }
        assert shown >= set(letters[1:-1])


def test_findings_are_counted_beside_their_combinations():
    rows = rows_of({"p": ["a + b"], "q": ["a"], "r": ["a + b"], "s": ["b"]})
    splits = pd.DataFrame({"patient": list("pqrs"), "split": ["train", "train", "test", "train"]})
    summary = assemble(rows, [rows], splits, None)[2]
    by_label = {(c["label"], c["split"]): c["items"] for c in summary["by_label_split"]}
    assert by_label == {
        ("a", "train"): 1,
        ("a + b", "test"): 1,
        ("a + b", "train"): 1,
        ("b", "train"): 1,
    }
    by_finding = {(c["label"], c["split"]): c["items"] for c in summary["by_finding_split"]}
    assert by_finding == {("a", "test"): 1, ("a", "train"): 2, ("b", "test"): 1, ("b", "train"): 2}
    untrained = splits.assign(split=["test", "train", "test", "test"])
    summary = assemble(rows, [rows], untrained, None)[2] | {"cohort": "c"}
    limits = {"min_patients": 1, "max_quarantined": 1}
    with pytest.raises(UnfitCohort, match="class b has no patient in train"):
        check_fitness(summary, [], expected=[], named=True, **limits)


def network(n_classes: int = 3) -> torch.nn.Module:
    settings = DdpmTraining(unet={"channels": 8, "multipliers": [1], "attention": []})
    torch.manual_seed(0)
    model = build_unet(1, 8, n_classes, settings.unet)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def test_one_finding_as_a_row_is_its_index_bit_for_bit():
    index, null = torch.tensor([0, 1, 2, 1, 3]), 3
    rows = torch.eye(4)[index][:, :3]  # "no label" is a row of zeros
    x, t = torch.randn(5, 1, 8, 8, generator=generator(1)), torch.arange(1, 6)
    model = network()
    assert torch.equal(model(x, t, rows), model(x, t, index))
    assert torch.equal(guided(model, x, t, rows, 1.5), guided(model, x, t, index, 1.5))
    assert torch.equal(no_label(rows, null), torch.zeros(5, 3))
    dropped = [drop_labels(y, 0.5, null, generator(2)) for y in (rows, index)]
    assert torch.equal(dropped[0], torch.eye(4)[dropped[1]][:, :3])
    assert not torch.equal(dropped[0], rows)

    z, index, rows = torch.randn(4, 6, generator=generator(3)), index[:4], rows[:4]
    net_g, net_d = Generator(8, 1, 3, 6, 8), Critic(8, 1, 3, 8)
    for net in (net_g, net_d):
        initialise(net, generator(4))
    assert torch.equal(net_g(z, rows), net_g(z, index))
    assert torch.equal(net_d(x[:4], rows), net_d(x[:4], index))


def test_the_embedding_of_several_findings_is_the_sum_of_theirs():
    model = network()
    both = model.embed(torch.tensor([[1.0, 0, 1]]))
    torch.testing.assert_close(both, model.label.weight[[0]] + model.label.weight[[2]])


CARD = {"classes": ["a", "b", "c"], "combinations": {"a": 30, "a + b": 12, "b": 9}}


def test_usual_combinations_are_drawn_and_others_only_if_asked_for():
    assert wanted(CARD, None, 2, 10)["label"].tolist() == ["a", "a", "a + b", "a + b"]
    asked = wanted(CARD, ["b + a", "c + a", "b"], 1, 10)
    assert asked.to_dict("list") == {
        "label": ["a + b", "a + c", "b"], "number": [0, 0, 0],
        "training_images": [12, 0, 9]
    }  # fmt: skip
    with pytest.raises(LabelError, match="no label 'd'; the model knows 'a', 'b', 'c'"):
        wanted(CARD, ["a + d"], 1, 10)
    with pytest.raises(LabelError, match="no combination of findings has 31 training images"):
        wanted(CARD, None, 1, 31)
    single = {"classes": ["a", "b"]}
    assert wanted(single, None, 1, 99).to_dict("list") == {"label": ["a", "b"], "number": [0, 0]}
    with pytest.raises(LabelError, match="'a \\+ b'"):
        known_label("a + b", single)
    assert condition(pd.DataFrame({"label": ["b"]}), single, "cpu").tolist() == [1]
    assert condition(pd.DataFrame({"label": ["b + c"]}), CARD, "cpu").tolist() == [[0, 1, 1]]


class Halves:
    """Images (4, 4): A is a bright left half, B a bright right half."""

    def __init__(self, labels: np.ndarray):
        noise = np.random.default_rng(0).normal(0, 8, (len(labels), 4, 4))
        noise[:, :, :2] += 40 + 160 * labels[:, 0, None, None]
        noise[:, :, 2:] += 40 + 160 * labels[:, 1, None, None]
        self.images = noise.clip(0, 255).astype(np.uint8)[..., None]

    def __len__(self) -> int:
        return len(self.images)

    def read(self, positions) -> np.ndarray:
        return self.images[positions]


def sides(images: np.ndarray) -> np.ndarray:
    """Whether the left and the right half of each image are bright, (n, 2)."""
    return np.stack([images[:, :, :2].mean((1, 2, 3)), images[:, :, 2:].mean((1, 2, 3))], 1) > 120


def test_a_diffusion_model_learns_findings_and_both_together(tmp_path):
    """It sees A, B, both, and C, which is neither."""
    labels = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], np.float32)
    labels = labels[np.arange(48) % 4]
    settings = DdpmTraining(
        steps=250, batch=12, lr=8e-3, checkpoint_every=250, log_every=50, timesteps=16,
        beta_start=0.02, beta_end=0.5, ema_decay=0.95,
        unet={"channels": 8, "multipliers": [1], "attention": []},
    )  # fmt: skip
    data = LabelledImages(Halves(labels), labels, ["A", "B", "C"])
    trained = ddpm.train(data, settings, TrainingRun(1, "cpu", tmp_path))
    assert trained.card["combinations"] == combinations(labels, data.classes)
    assert trained.card["combinations"] == {"A": 12, "A + B": 12, "B": 12, "C": 12}
    request = wanted(trained.card, None, 4, 10)
    drawn = generate(
        Model(trained.state, trained.card), request, DdpmSampling(guidance=0), Run(2, "cpu")
    )
    shown = sides(np.concatenate(list(drawn)))
    right = shown == multi_hot(request["label"], data.classes)[:, :2]
    assert right.all(1).sum() >= 14, right  # of 16; chance would be 4
