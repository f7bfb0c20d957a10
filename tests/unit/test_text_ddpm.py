"""Images that a text describes: the network, its training, its prompts, and what they are worth."""

from __future__ import annotations

import io
import json
import logging
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import f1_score
from tiny_results import CLASSES, DDPM, LOOP, UNET, make_cohort
from torch.nn import functional as F

from medsynth.api.models import ModelError, TrainedModel, load
from medsynth.cohorts.texts import prepare_texts
from medsynth.commands.main import main
from medsynth.imaging.scale import PIXELS
from medsynth.lineage.ledger.embedded import embedded_provenance
from medsynth.lineage.opening import existing_ledger
from medsynth.metrics.label_f1 import label_f1, macro_f1, shuffled_f1
from medsynth.models.contract import ToldImages
from medsynth.models.ddpm.training_settings import UNet as UNetSettings
from medsynth.models.ddpm.unet import ConditionalUNet
from medsynth.models.prompts import PromptError, with_held_out
from medsynth.models.text_ddpm import sampling, training
from medsynth.models.text_ddpm.encoder import TextTransformer
from medsynth.models.text_ddpm.settings import TextDdpmSampling, TextDdpmTraining, TextEncoder
from medsynth.models.text_ddpm.unet import CrossAttention, TextUNet
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.settings import ImageForm
from medsynth.store.atomic import write_json
from medsynth.store.errors import MedsynthError
from medsynth.store.generated import Samples
from medsynth.store.models import Model, save_model
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.generation.data import data_digests, training_data
from medsynth.tasks.generation.product import write_product
from medsynth.tasks.texts import NoTexts
from medsynth.tasks.viewing.strips import class_strips
from medsynth.text.settings import TextSettings
from medsynth.text.tokenizer import PAD

SENTENCES = {CLASSES[0]: "The heart is bright.", CLASSES[1]: "A dark lung, seen by Dr. Quixote."}
SETTINGS = {"unet": UNET, "text": {"width": 16, "layers": 1, "heads": 2}}


def network(seed=0, longest=6):
    torch.manual_seed(seed)
    settings = UNetSettings(channels=8, multipliers=[1, 2], attention=[4])
    encoder = TextEncoder(width=16, heads=2)
    return TextUNet(1, 8, 2, settings, encoder=encoder, vocabulary=20, longest=longest)


def texts_of(*lengths, longest=6):
    rows = torch.full((len(lengths), longest), PAD)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = torch.arange(3, 3 + length)
    return rows


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """The tiny cohort with a text for each class; one training image has none."""
    root = tmp_path_factory.mktemp("texts")
    inputs = make_cohort(root)
    rows = read_table(inputs.manifest)
    raw = rows["label"].map(SENTENCES)
    raw[0] = None
    table, tokenizer = prepare_texts(rows, raw, TextSettings(longest=16))
    files = {"texts": root / "texts.parquet", "tokenizer": root / "tokenizer.json"}
    write_table(table, files["texts"])
    write_json(tokenizer, files["tokenizer"])
    return SimpleNamespace(**vars(inputs), **files)


def train(cohort, work, **changes):
    work.mkdir(exist_ok=True)
    settings = TextDdpmTraining(**LOOP | DDPM | SETTINGS | changes)
    return training.train(training_data(cohort, 1, 8), settings, TrainingRun(1, "cpu", work))


@pytest.fixture(scope="module")
def model(cohort, tmp_path_factory) -> TrainedModel:
    folder = tmp_path_factory.mktemp("study") / "results" / "experiments" / "told"
    folder.mkdir(parents=True)
    trained = train(cohort, folder.parent / "work")
    save_model(trained.state, trained.card, folder / "model.safetensors", folder / "model.json")
    return load(folder, "cpu")


def test_at_first_every_text_gives_what_the_network_without_labels_gives():
    told = network()
    torch.manual_seed(0)
    plain = ConditionalUNet(1, 8, 0, UNetSettings(channels=8, multipliers=[1, 2], attention=[4]))
    assert all(torch.equal(told.state_dict()[k], v) for k, v in plain.state_dict().items())
    for net in (told, plain):  # the last layer, which is zero at first, would hide what is before
        torch.nn.init.normal_(net.out[-1].weight, generator=torch.Generator().manual_seed(1))
    x, t = (
        torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(2)),
        torch.tensor([1, 5, 9]),
    )
    assert torch.equal(
        told(x, t, texts_of(0, 3, 6)), plain(x, t, torch.zeros(3, dtype=torch.int64))
    )
    for layer in told.modules():
        if isinstance(layer, CrossAttention):
            torch.nn.init.normal_(layer.out.weight)
    said = told(x[:1].expand(2, -1, -1, -1), t[:1].expand(2), texts_of(3, 6))
    assert not torch.allclose(said[0], said[1]), "then texts differ"


def test_tokens_are_told_apart_before_anything_is_learned():
    """Else what steers has to be learned first: beginning at 0.02, they had a cosine of 0.9."""
    torch.manual_seed(5)
    encoder = TextTransformer(200, 24, TextEncoder(width=32, layers=2))
    tokens = F.normalize(encoder(torch.randperm(197)[None, :24] + 3).tokens[0], dim=1)
    assert (tokens @ tokens.T).triu(1).sum() / (24 * 23 / 2) < 0.3


def test_cross_attention_is_the_formula_and_never_looks_at_padding():
    torch.manual_seed(3)
    encoder, attention = (
        TextTransformer(20, 6, TextEncoder(width=16, heads=2)),
        CrossAttention(8, 16),
    )
    torch.nn.init.normal_(attention.out.weight)
    text, x = encoder(texts_of(2, 5)), torch.randn(2, 8, 4, 4)
    found = attention(x, text)
    for i, length in enumerate((2, 5)):
        q = attention.query(attention.norm(x))[i].flatten(1).T.double()
        k, v = attention.key_value(text.tokens[i, :length]).double().chunk(2, dim=-1)
        h = torch.softmax(q @ k.T / 8**0.5, dim=1) @ v
        out = F.linear(h, attention.out.weight[:, :, 0, 0].double())
        torch.testing.assert_close(
            found[i].double(), x[i] + out.T.reshape(8, 4, 4), atol=1e-5, rtol=1e-5
        )
    torch.testing.assert_close(text.pooled[0], text.tokens[0, :2].mean(0))


def test_a_text_is_read_alike_beside_longer_ones_and_no_text_is_the_null_text():
    torch.manual_seed(4)
    encoder = TextTransformer(20, 6, TextEncoder(width=16, heads=2))
    alone, beside = encoder(texts_of(2)), encoder(texts_of(6, 2, 0, 2))
    torch.testing.assert_close(alone.pooled[0], beside.pooled[1])
    assert torch.equal(beside.pooled[1], beside.pooled[3])
    assert (
        torch.equal(beside.pooled[2], encoder.null) and beside.shown[2].tolist()[1:] == [False] * 5
    )
    encoder(texts_of(0, 0)).pooled.sum().backward()
    assert encoder.null.grad.abs().sum() > 0


def test_training_data_are_texts_and_no_text_is_padding(cohort, tmp_path):
    data = training_data(cohort, 1, 8)
    assert isinstance(data, ToldImages) and isinstance(data.validation, ToldImages)
    rows = data.manifest["item_id"].tolist()
    assert (data.tokens[rows.index("0-0")] == PAD).all() and (data.tokens[1:, 0] != PAD).all()
    assert len(data.validation.tokens) == len(data.validation.images) == 8
    without = SimpleNamespace(manifest=cohort.manifest, shards=cohort.shards)
    assert len(data_digests(cohort)) == len(data_digests(without)) + 2
    same = SimpleNamespace(**vars(cohort) | {"texts": tmp_path / "texts.parquet"})
    texts = read_table(cohort.texts)
    write_table(texts.assign(text=texts["text"].where(texts["text"].isna(), "no")), same.texts)
    with pytest.raises(NoTexts, match="same in their first 16 tokens, so that they tell no image"):
        training_data(same, 1, 8)


def test_a_training_that_hides_every_text_is_refused():
    with pytest.raises(ValueError, match="1 hides every label, or text"):
        TextDdpmTraining(label_drop=1)


def test_a_resumed_training_equals_the_uninterrupted_one(cohort, tmp_path):
    both = {"steps": 8, "checkpoint_every": 4, "log_every": 2}
    whole = train(cohort, tmp_path / "whole", **both)
    train(cohort, tmp_path / "parts", **both | {"steps": 4})
    resumed = train(cohort, tmp_path / "parts", **both)
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    assert whole.card["tokenizer"] == resumed.card["tokenizer"]


def test_images_show_what_the_text_says(cohort, tmp_path):
    trained = train(cohort, tmp_path, steps=250, checkpoint_every=250)
    card = json.loads(json.dumps(trained.card))
    prompts = ["the heart is bright.", "a dark lung, seen by ___."]
    request = pd.DataFrame(
        {"label": "prompt", "number": [*range(6)] * 2, "prompt": np.repeat(prompts, 6)}
    )
    made = sampling.generate(
        Model(trained.state, card), request, TextDdpmSampling(guidance=0), Run(1, "cpu")
    )
    greys = np.concatenate(list(made)).mean((1, 2, 3))
    # Class 1, whose images are bright, is described as dark, and the other way round.
    assert greys[:6].mean() + 40 < greys[6:].mean()


def test_samples_are_asked_for_with_texts_of_held_out_patients(cohort, model, tmp_path):
    files = SimpleNamespace(**vars(cohort), **model.files)
    suffixes = {"images": "h5", "table": "parquet", "grid": "png"}
    made = SimpleNamespace(**{name: tmp_path / f"samples.{s}" for name, s in suffixes.items()})
    cfg = {"per_class": 3, "guidance": 1.0}
    write_product(sampling, files, made, cfg, ImageForm(8, 1, "uint8"), Run(1, "cpu"), tmp_path)
    table = Samples(made.images, made.table).table
    said = table.groupby("label")["prompt"].unique()
    assert said.map(list).to_dict() == {
        CLASSES[0]: ["the heart is bright."],
        CLASSES[1]: ["a dark lung, seen by ___."],
    }
    written = b"".join(p.read_bytes() for p in [*vars(made).values(), *model.folder.iterdir()])
    assert b"uixote" not in written


def test_the_page_shows_what_the_first_image_was_asked_for_with(cohort):
    rows = read_table(cohort.manifest)
    store = ImageStore(rows, Path(cohort.shards[0]).parent)
    table = pd.DataFrame({"label": CLASSES, "prompt": ["the <heart>", "a lung " * 40]})
    made = SimpleNamespace(table=table, read=lambda places: store.read(places))
    shown = SimpleNamespace(images=store, labels=CLASSES, pixel=PIXELS)
    page = str(class_strips(shown, [SimpleNamespace(name="told", generated=made)]))
    assert "the first of “the &lt;heart&gt;”" in page
    assert " …”" in page and page.count("a lung") < 40


def test_prompts_of_a_label_take_turns_and_labels_without_a_text_are_left_out(caplog):
    request = pd.DataFrame({"label": ["a", "a", "a", "b"], "number": [0, 1, 2, 0]})
    texts = pd.DataFrame({"label": ["a", "a"], "text": ["x", "y"]})
    with caplog.at_level(logging.WARNING):
        found = with_held_out(request, texts, 1)
    assert sorted(found["prompt"][:2]) == ["x", "y"] and found["prompt"][2] == found["prompt"][0]
    assert found["label"].tolist() == ["a"] * 3 and "no held-out text has b" in caplog.text
    with pytest.raises(PromptError, match="no held-out image"):
        with_held_out(request[3:], texts, 1)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"prompts": " "}, "an empty prompt"),
        ({"prompts": "the heart " * 20}, "tokens long, and the model reads 16"),
        ({"prompts": "Okonkwo"}, "knows no word of the prompt"),
        ({"prompts": []}, "conditioned on a text; say by prompts"),
        ({"labels": CLASSES[0]}, "conditioned on a text; say by prompts"),
        ({"prompts": "the heart", "guide_scale": 1.0}, "a guide knows labels"),
    ],
)
def test_prompts_that_say_nothing_or_too_much_are_refused(model, asked, why):
    with pytest.raises(MedsynthError, match=why):
        model.sample(**asked)


def test_prompts_are_a_text_or_several_in_an_order(model):
    texts = ["the heart is bright.", "the heart is dark."]
    images, prompts = model.sample(prompts=texts, n=2, guidance=0)
    assert prompts == [texts[0], texts[0], texts[1], texts[1]]
    images = images[::2]
    for given in (iter(texts), np.array(texts), pd.Series(texts), tuple(texts)):
        assert (model.sample(prompts=given, guidance=0).images == images).all()
    with pytest.raises(ModelError, match="say by prompts"):
        model.sample(prompts=set(texts))
    with pytest.raises(ModelError, match="a prompt is a text"):
        model.unknown_words(None)


def test_the_command_draws_a_prompt_and_tells_what_it_does_not_know(model, monkeypatch, capsys):
    results = model.folder.parents[1]
    monkeypatch.chdir(results.parent)
    name = "Zuber" + "bühler"  # in two parts: the record holds the difference to the last commit
    asked = ["sample", "told", "--prompt", f"The heart of Mr. {name} is granular", "--out", "a"]
    main([*asked, "--device", "cpu"])
    said = capsys.readouterr().out
    assert "does not know, and read as ___: of, granular" in said.replace("\n", " ")
    assert "a/prompt-000000.png: the heart ___ is ___" in said and name not in said
    (file,) = (results.parent / "a").iterdir()
    found = embedded_provenance(str(file))
    assert (found["label"], found["prompt"]) == ("prompt", "the heart ___ is ___")
    assert found["synthetic"] == "yes"
    recorded = b"".join(p.read_bytes() for p in results.rglob("*") if p.is_file())
    assert name.encode() not in recorded
    with existing_ledger(results) as ledger:
        (job,) = [ledger.item(row["id"]) for row in ledger.query("SELECT id FROM items")]
    assert job["start"]["params"]["prompts"] == ["the heart ___ is ___"]
    assert name not in json.dumps(job)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of mlflow, without type hints
def test_mlflow_serves_it_by_prompts(model):
    from medsynth.api.mlflow_model import ServedModel
    from medsynth.api.packaging import _example, signature

    served, asked = ServedModel(), _example(model)
    served.model = model
    takes = signature(model).inputs
    assert takes.input_names() == list(asked) == ["prompt", "n", "seed"]
    assert takes.required_input_names() == ["prompt"]
    with pytest.raises(MedsynthError, match="that this model takes, prompt, n, seed"):
        served.predict(None, pd.DataFrame(index=[0]))  # of {"label": …}, which MLflow leaves out
    made = served.predict(None, asked.assign(prompt="the heart is bright.", n=2), {"guidance": 0})
    assert set(made["label"]) == {"the heart is bright."}
    images, _ = model.sample(prompts="the heart is bright.", n=2, guidance=0)
    theirs = [np.asarray(Image.open(io.BytesIO(png))) for png in made["png"]]
    np.testing.assert_array_equal(np.stack(theirs)[..., None], images)


def test_the_floor_is_the_mean_of_all_orders_and_that_of_images_drawn_with_shuffled_prompts():
    seen, asked = np.array([0, 0, 1, -1, 2, 0, 1]), np.array([0, 0, 0, 1, 1, 1, 2])
    orders = [macro_f1(seen, np.array(order)) for order in permutations(asked)]
    assert shuffled_f1(seen, asked) == pytest.approx(np.mean(orders), abs=1e-12)
    rng, n = np.random.default_rng(2), 60
    classes = np.repeat([0, 1, 2], [30, 20, 10])

    def drawn(prompts: np.ndarray) -> np.ndarray:
        """What is seen of images that show their prompt, but class 2 as 0, and noise at times."""
        noise = rng.integers(0, 3, n)
        return np.where(rng.random(n) < 0.8, np.where(prompts == 2, 0, prompts), noise)

    anew = [macro_f1(drawn(rng.permutation(classes)), classes) for _ in range(1500)]
    ours = [shuffled_f1(drawn(classes), classes) for _ in range(1500)]
    error = 4 * np.hypot(np.std(anew), np.std(ours)) / 1500**0.5
    assert np.mean(ours) == pytest.approx(np.mean(anew), abs=error) and error < 0.01


def test_f1_of_labels_is_that_of_scikit_learn_and_shuffled_prompts_give_the_floor():
    rng = np.random.default_rng(5)
    asked = rng.integers(0, 3, 300)
    seen = np.where(rng.random(300) < 0.7, asked, rng.integers(-1, 3, 300))
    assert macro_f1(seen, asked) == pytest.approx(
        f1_score(asked, seen, labels=[0, 1, 2], average="macro")
    )
    found = label_f1(seen, asked, asked, asked, bootstrap=50, seed=1)
    assert found["floor"] == 1 and found["interval"][0] > found["chance"] and not found["reason"]
    other = label_f1(seen, rng.permutation(asked), asked, asked, bootstrap=50, seed=1)
    assert other["value"] == pytest.approx(found["chance"], abs=0.08)
    assert "not above chance" in other["reason"]
    assert label_f1(seen[:4], asked[:4], asked, asked, bootstrap=50, seed=1)["value"] is None
