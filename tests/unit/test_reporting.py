"""Reports from images, from the files of a cohort to metrics and page."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from markupsafe import Markup

import medsynth
from medsynth.api.models import ModelError
from medsynth.cohorts.texts import prepare_texts
from medsynth.imaging.scale import PIXELS
from medsynth.metrics.intervals import metric
from medsynth.models.captioner import sampling, training
from medsynth.models.captioner.settings import CaptionerSampling, CaptionerTraining
from medsynth.models.captioner.training import frequency_loss
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.settings import ImageForm
from medsynth.store.atomic import write_json
from medsynth.store.manifests import used
from medsynth.store.models import save_model
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.reporting.baselines import medoid, most_frequent, nearest, of_others
from medsynth.tasks.reporting.data import training_data
from medsynth.tasks.reporting.evaluation import evaluate
from medsynth.tasks.reporting.product import write_product
from medsynth.tasks.reporting.verdict import verdict
from medsynth.tasks.reporting.view import METRICS, view
from medsynth.tasks.texts import NoTexts
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment
from medsynth.text.settings import TableTexts
from medsynth.text.tokenizer import END, START, Tokenizer
from tests.unit.tiny_results import SIZE, make_cohort

NAMED = "Mrs. Kowalczyk"
TEXTS = {
    "Cardiomegaly": "The heart is markedly enlarged. No pleural effusion.",
    "No Finding": "Clear lungs, no cardiomegaly.",
}
SETTINGS = CaptionerTraining(
    steps=60, batch=8, lr=1e-2, channels=4, width=16, layers=1, dropout=0.1,
    log_every=10, checkpoint_every=20, validation_images=8,
)  # fmt: skip


def write_texts(inputs: SimpleNamespace, raw: pd.Series) -> None:
    rows = used(read_table(inputs.manifest))
    table, content = prepare_texts(rows, raw, TableTexts(longest=48))
    folder = Path(inputs.manifest).parent
    inputs.texts, inputs.tokenizer = folder / "texts.parquet", folder / "tokenizer.json"
    write_table(table, inputs.texts)
    write_json(content, inputs.tokenizer)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> SimpleNamespace:
    """A cohort whose class is its brightness, and of one training patient the name in the texts."""
    found = make_cohort(tmp_path_factory.mktemp("study"))
    rows = used(read_table(found.manifest))
    raw = rows["label"].map(TEXTS)
    raw = raw.where(rows["patient"] != "patient-0", f"{NAMED}: " + raw)
    write_texts(found, raw.mask(rows["item_id"] == "9-3"))  # one has none
    return found


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("experiment")
    found = SimpleNamespace(
        **vars(inputs), weights=folder / "model.safetensors", card=folder / "model.json"
    )
    data = training_data(inputs, 1, SETTINGS.validation_images)
    got = training.train(data, SETTINGS, TrainingRun(1, "cpu", folder))
    save_model(got.state, got.card, found.weights, found.card)
    found.table = folder / "reports.parquet"
    write(found, folder / "work")
    return found


def write(given: SimpleNamespace, work: Path, generate=sampling.generate, batch: int = 64) -> None:
    of = SimpleNamespace(SETTINGS=sampling.SETTINGS, generate=generate)
    form = ImageForm(SIZE, 1, "uint8")
    write_product(of, given, given, {"batch": batch}, form, Run(1, "cpu"), work)  # type: ignore[arg-type]


def test_what_images_show_is_learned_and_told_of_others(trained):
    table = read_table(trained.table)
    assert len(table) == 4 * 4 - 1 and table["synthetic"].all() and table["ended"].all()
    # Every held-out image gets the very text of its class: not a mixture, and not one for all.
    assert table["text"].tolist() == table["reference"].tolist()
    assert table["text"].nunique() == 2
    facts = json.loads(trained.card.read_text())["validation"]
    assert facts["value"] < 0.2 < 1 < facts["baselines"]["tokens by frequency"]


def test_from_python_images_are_described_as_the_workflow_does(trained):
    table, rows = read_table(trained.table), read_table(trained.manifest).set_index("item_id")
    store = ImageStore(rows.loc[table["source_item"]].reset_index(), trained.shards[0].parent)
    model = medsynth.load(trained.weights.parent, "cpu")
    images = store.read(range(len(store)))
    texts, ended = model.describe(images, batch=4)
    assert texts == table["text"].tolist() and ended.all()
    assert model.describe(images[:2, ..., 0]).texts == texts[:2]
    read_only = np.frombuffer(images.tobytes(), np.uint8).reshape(images.shape)
    assert model.describe(read_only[::-1]).texts == texts[::-1]
    mirrored = model.describe(images[:, :, ::-1]).texts
    assert mirrored == model.describe(images[:, :, ::-1].copy()).texts
    with pytest.raises(ModelError, match="images are no array"):
        model.describe([images[0], images[0, 1:]])


def test_no_name_of_a_report_is_in_tokenizer_card_or_text(trained):
    for path in (trained.tokenizer, trained.card):
        assert "kowalczyk" not in path.read_text().lower()
    assert "kowalczyk" not in read_table(trained.texts).to_csv().lower()
    assert "kowalczyk" not in read_table(trained.table).to_csv().lower()


def test_words_that_nobody_taught_are_masked_where_a_model_spells_them(trained, tmp_path):
    tokenizer = Tokenizer.load(trained.tokenizer)

    def spells(model, request, settings, run):
        for images in request:
            yield tokenizer.encode(["the heart of kowalczyk is enlarged."] * len(images))

    given = SimpleNamespace(**vars(trained) | {"table": tmp_path / "reports.parquet"})
    write(given, tmp_path / "work", spells)
    assert set(read_table(given.table)["text"]) == {"the heart ___ is enlarged."}


def test_writing_that_is_cut_off_goes_on_to_the_same_reports(trained, tmp_path):
    def cut_off(model, request, settings, run):
        yield next(sampling.generate(model, request, settings, run))
        raise KeyboardInterrupt

    given = SimpleNamespace(**vars(trained) | {"table": tmp_path / "reports.parquet"})
    with pytest.raises(KeyboardInterrupt):
        write(given, tmp_path / "work", cut_off, batch=4)
    seen = []

    def counted(model, request, settings, run):
        for images in request:
            seen.append(len(images))
            yield from sampling.generate(model, [images], settings, run)

    write(given, tmp_path / "work", counted, batch=4)
    assert sum(seen) == 15 - 4
    assert read_table(given.table).equals(read_table(trained.table))


def test_resumed_training_equals_an_uninterrupted_one(inputs, tmp_path):
    short = SETTINGS.model_copy(update={"steps": 6, "checkpoint_every": 3, "log_every": 3})

    def run(name: str, reads: int = 1000):
        data = training_data(inputs, 1, short.validation_images)
        whole = data.images.read

        def read(positions):
            nonlocal reads
            reads -= 1
            if reads < 0:
                raise KeyboardInterrupt
            return whole(positions)

        data.images.read = read
        (tmp_path / name).mkdir(exist_ok=True)
        return training.train(data, short, TrainingRun(1, "cpu", tmp_path / name))

    once = run("1")
    with pytest.raises(KeyboardInterrupt):
        run("2", reads=9)
    saved = torch.load(tmp_path / "2" / "checkpoint.pt", weights_only=True)["step"]
    assert saved == 3
    again = run("2")
    assert all(torch.equal(once.state[k], again.state[k]) for k in once.state)
    assert once.history.read_text() == again.history.read_text()


def test_a_run_of_tokens_is_not_repeated():
    rows = torch.tensor([[1, 5, 6, 7, 5, 6], [1, 5, 6, 5, 7, 8]])
    assert sampling.repeated(rows, 3) == [[7], []]
    assert sampling.repeated(rows, 2) == [[7], []]
    assert sampling.repeated(rows[:1], 1) == [[1, 5, 6, 7, 5, 6]]
    assert sampling.repeated(rows, 0) == sampling.repeated(rows[:, :1], 3) == [[], []]


def test_the_baseline_of_the_loss_is_that_of_counted_tokens():
    training_rows = np.array([[START, 5, 5, END], [START, 6, END, 0]])
    held_out = np.array([[START, 5, END, 0]])
    # Of 7 tokens counted (END twice, 5 twice, 6 once) and one more for each of 7 but padding.
    counts = np.array([0, 1, 3, 1, 1, 3, 2])
    expected = -np.log(counts[[5, END]] / counts.sum()).mean()
    assert frequency_loss(training_rows, held_out, 7) == pytest.approx(expected)


def test_baselines_are_what_they_are_called():
    texts = ["b c", "a b c", "a b c d", "b c", "x"]
    assert most_frequent(texts) == "b c"
    # Mean ROUGE-L with all five, by hand: b c 0.93, a b c 0.91, a b c d 0.84, x 0.2.
    assert medoid(texts, 0) == "b c"
    assert medoid(["a b c", "a b c d", "a b x d", "y"], 0) == "a b c d"
    patients = np.array(["1", "1", "2", "3"])
    others = of_others(patients, ["", "", "", ""], 0)
    assert (patients[others] != patients).all()
    assert of_others(patients, ["s", "t", "s", "u"], 0).tolist() == [2, -1, 0, -1]


def test_the_nearest_image_is_the_one_of_least_squared_difference(inputs):
    rows = used(read_table(inputs.manifest))
    store = ImageStore(rows, Path(inputs.shards[0]).parent)
    some = ImageStore(rows.iloc[10:20], Path(inputs.shards[0]).parent)
    every, asked = (
        s.read(np.arange(len(s))).reshape(len(s), -1).astype(float) for s in (store, some)
    )
    expected = ((asked[:, None] - every[None]) ** 2).sum(2).argmin(1)
    assert nearest(some, store, 0).tolist() == expected.tolist() == list(range(10, 20))


def test_reports_are_judged_beside_baselines_and_shown_as_synthetic(trained):
    identity = {"experiment": "notes", "cohort": "cxr", "family": "captioner"}
    found = evaluate(trained, {"bootstrap": 50}, identity, Run(1, "cpu"))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    metrics = found["metrics"]
    assert metrics["finding_f1_macro"]["value"] == metrics["rouge_l"]["value"] == 1
    assert set(metrics["rouge_l"]["null"]) == {
        "most frequent report", "medoid report", "nearest image's report",
        "another patient's report",
    }  # fmt: skip
    assert metrics["rouge_l"]["null"]["most frequent report"] < 0.7
    assert metrics["labeler_f1"]["value"] == 1 > metrics["labeler_f1"]["null"]["words alone"]
    assert found["ceiling"] == {"n": 15, "rouge_l": 1, "bleu": 1}
    assert found["different"] == {"generated": 2, "real": 2}

    store = ImageStore(used(read_table(trained.manifest)), Path(trained.shards[0]).parent)
    cohort = ShownCohort("cxr", sorted(TEXTS), store, PIXELS)
    shown = ShownExperiment("notes", "captioner", Markup(), found, None, read_table(trained.table))
    page = view(cohort, [shown])
    assert "the heart is markedly enlarged" in page.pictures and "synthetic" in page.pictures
    assert "medoid report" in page.metrics and "Cardiomegaly (8)" in page.metrics
    assert page.findings[0].verdict.grade == "unknown"  # four patients
    for text in (page.pictures, page.metrics, page.findings[0].verdict.text):
        assert "patient-" not in text


@pytest.mark.parametrize(
    ("interval", "different", "grade", "said"),
    [
        ([0.6, 0.8], 9, "better", "beats all reports without a model in Finding F1, mean and"),
        ([0.4, 0.8], 9, "unproven", "not shown to beat the medoid report in Finding F1, mean"),
        ([0.2, 0.4], 9, "worse", "worse than the medoid report in Finding F1, mean"),
        ([0.6, 0.8], 1, "unproven", "writes the same report for every image"),
    ],
)  # fmt: skip
def test_a_verdict_claims_no_more_than_the_intervals(interval, different, grade, said):
    def figure(between):
        null = {"medoid report": 0.5, "most frequent report": 0.1}
        return metric(sum(between) / 2, "higher", between) | {"null": null}

    metrics = {"finding_f1_macro": figure(interval), "rouge_l": figure([0.6, 0.7])}
    results = {"metrics": metrics, "different": {"generated": different}, "n_real": 500}
    shown = ShownExperiment("notes", "captioner", Markup(), results)
    found = verdict(shown, [shown], METRICS)
    assert found.grade == grade and said in found.text[0].lower() + found.text[1:]


def test_a_cohort_without_texts_is_told_of(inputs, tmp_path):
    texts = read_table(inputs.texts)
    bare = SimpleNamespace(**vars(inputs) | {"texts": tmp_path / "texts.parquet"})
    write_table(texts.assign(text=texts["text"].where(texts["split"] == "test")), bare.texts)
    with pytest.raises(NoTexts, match="no image of the train split has a text"):
        training_data(bare, 1, 8)


def test_texts_that_tell_no_image_from_another_are_refused(inputs, tmp_path):
    texts = read_table(inputs.texts)
    same = SimpleNamespace(**vars(inputs) | {"texts": tmp_path / "texts.parquet"})
    write_table(texts.assign(text=texts["text"].where(texts["text"].isna(), "no")), same.texts)
    with pytest.raises(NoTexts, match="24 texts .* are the same in their first 48 tokens"):
        training_data(same, 1, 8)


def test_a_network_must_be_shared_by_the_heads():
    with pytest.raises(ValueError, match="multiple of 4"):
        CaptionerTraining(width=18)
    with pytest.raises(ValueError, match="1 lets no token stand twice in a text"):
        CaptionerSampling(no_repeat=1)
