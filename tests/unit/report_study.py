"""A small synthetic study on disk, with every artifact the report reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.cohorts.kinds import KIND
from medsynth.imaging.grids import write_grid
from medsynth.report.study import CohortArtifacts, ExperimentArtifacts
from medsynth.store.atomic import write_json
from medsynth.store.generated import write_samples
from medsynth.store.manifests import manifest
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table
from medsynth.tasks.generation.spectrum import COLUMNS, measure_spectrum

SPLITS = ["train"] * 7 + ["validate"] * 2 + ["test"] * 3
SECRET = "PATIENT-10234567"  # stands in patient, source, group and item_id of every cohort
SIZE = 32


def picture(kind: str, k: int, rng: np.random.Generator) -> np.ndarray:
    """A recognisable phantom of class ``k``: uint8 grey or RGB, int16 HU for ct."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    body = x**2 + (1.2 * y) ** 2 < 0.8
    spot = np.exp(-((x - 0.3 * k + rng.normal(0, 0.08)) ** 2 + (y + 0.1) ** 2) / 0.08)
    if kind == "ct":
        hu = np.where(body, 40 + (60 + 90 * k) * spot, -1000) + rng.normal(0, 8, x.shape)
        return hu.astype(np.int16)[..., None]
    grey = 40 + 90 * body + 90 * spot + rng.normal(0, 6, x.shape)
    channels = [grey, grey * 0.6, grey * 0.8 + 40] if kind == "slides" else [grey]
    return np.stack(channels, -1).clip(0, 255).astype(np.uint8)


def make_cohort(
    root: Path, name: str, kind: str, labels: list[str], reasons: list
) -> CohortArtifacts:
    """12 patients, 6 items each, one class a patient (ct: both phases of each)."""
    folder, rng, rows = root / "cohorts" / name, np.random.default_rng(3), []
    with ShardWriter(folder / "shards" / "0.h5", {"made_by": "test"}) as shard:
        for p, split in enumerate(SPLITS):
            for i in range(6):
                label = labels[i % 2] if kind == "ct" else labels[p % len(labels)]
                item = {"item_id": f"{SECRET}-{p}-{i}", "patient": f"{SECRET}-{p}", "split": split}
                source = f"{SECRET}/{p}.svs" if kind == "slides" else f"{SECRET}/{p}/{i}.dcm"
                item |= {"source": source, "group": f"{SECRET}-study-{p}"}
                row = shard.append(picture(kind, labels.index(label), rng), item["item_id"])
                rows.append(item | {"label": label, "shard": 0, "row": row, "status": "used"})
                if kind == "ct":
                    rows[-1]["field_mm"] = 400.0
                    rows[-1]["label_source"] = "brightness" if label == "cect" and p else "tags"
    for reason in reasons:
        # Tiles of cases without a genotype were cut; slides of unknown resolution gave none.
        place = {"shard": 0, "row": 0} if reason["reason"] == "no_genotype" else {}
        of = {"status": reason["status"], "reason": reason["reason"], **place}
        for i in range(reason["n"]):
            rows.append({"item_id": f"{SECRET}-{of['reason']}-{i}", "source": "x/y.jpg"} | of)
    table = manifest(rows)
    write_table(table, folder / "manifest.parquet")
    cells = table.groupby(["label", "split"])["patient"].agg(items="size", patients="nunique")
    left_out = {
        s: sum(r["n"] for r in reasons if r["status"] == s) for s in ("quarantined", "excluded")
    }
    summary = {
        "cohort": name,
        "kind": kind,
        "items": {"in": len(rows), "used": len(rows) - sum(left_out.values()), **left_out},
        "reasons": reasons,
        "by_label_split": cells.reset_index().to_dict("records"),
    }
    write_json(summary, folder / "summary.json")
    gate = {"patients_in_two_splits": 0, "items_twice": 0, "ok": True}
    write_json(gate, folder / "leakage.json")
    counts = folder / "calls.json"
    write_json({"cases": 12, "idh_rests_on": {"silent_exome": 11}, "target": [1, 2]}, counts)
    return CohortArtifacts(
        summary=folder / "summary.json",
        manifest=folder / "manifest.parquet",
        shards=[folder / "shards" / "0.h5"],
        leakage=folder / "leakage.json",
        counts=[] if kind == "ct" else [counts],
        words=KIND[kind].words,
        **({} if kind == "ct" else make_spectrum(folder, table)),
    )


def make_spectrum(folder: Path, table: pd.DataFrame) -> dict[str, Path]:
    """As measure_spectrum does."""
    schedule = {"timesteps": 50, "beta_start": 0.002, "beta_end": 0.2}
    schedules = [{"experiments": [f"ddpm_{folder.name}"], "train": schedule}]
    found = measure_spectrum(table, folder / "shards", schedules, 1)
    files = {"spectrum": folder / "spectrum.json", "strips": folder / "spectrum.png"}
    write_json(found.figures, files["spectrum"])
    write_grid(found.pictures, found.rows, files["strips"], {}, columns=COLUMNS)
    return files


def make_classifier(root: Path, cohort: str, labels: list[str]) -> ExperimentArtifacts:
    folder = root / "classifiers" / cohort
    write_history(folder / "history.csv", ["loss", "train_accuracy"])
    results = {
        "metrics": {"accuracy": entry(0.83333, [0.61, 0.94], "higher")},
        "per_class": {c: {"recall": entry(0.8, [0.5, 0.9], "higher")} for c in labels},
        "confusion": (np.eye(len(labels), dtype=int) * 5 + 1).tolist(),
    }
    write_json(results, folder / "metrics.json")
    (folder / "model.safetensors").write_bytes(cohort.encode())
    return ExperimentArtifacts(
        name=f"{cohort}_classifier",
        cohort=cohort,
        family="classifier",
        task="classification",
        history=folder / "history.csv",
        model=folder / "model.safetensors",
        images=None,
        table=None,
        metrics=folder / "metrics.json",
        card=write_card(folder, labels),
        people=write_people(folder),
    )


def write_card(folder: Path, labels: list[str]) -> Path:
    path = folder / "model.json"
    validation = {
        "step": 300, "of": 400, "looks": 10, "images": 32, "patients": 9,
        "figure": "denoising_loss", "value": 0.0312, "standard_error": 0.0021,
        "lowest": {"step": 260, "value": 0.0309}, "beside": {"train_denoising_loss": 0.028},
        "baselines": {"no noise predicted": 1.0},
    }  # fmt: skip
    write_json({"classes": labels, "image_size": SIZE, "validation": validation}, path)
    return path


def write_people(folder: Path) -> Path:
    """Of every training: the seven patients of the training split, two files each; two chose."""
    path = folder / "people.parquet"
    rows = [
        {
            "patient": f"{SECRET}-{p}",
            "source_sha256": f"{p}{i}",
            "split": "train" if p < 7 else "validate",
        }
        for p in range(9)
        for i in "ab"
    ]
    write_table(pd.DataFrame(rows), path)
    return path


def write_history(path: Path, names: list[str]) -> None:
    rng = np.random.default_rng(len(names))
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"step": step, "name": name, "value": (k + 1) * 2 ** (-step / 60) + 0.02 * rng.random()}
        for step in range(20, 420, 20)
        for k, name in enumerate(names)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def entry(value, interval, better, reason=None, **more) -> dict:
    return {"value": value, "interval": interval, "better": better, "reason": reason, **more}


def make_experiment(
    root: Path, name: str, family: str, cohort: str, labels: list[str], shift: float
):
    folder, rng = root / "experiments" / name, np.random.default_rng(5)
    kind = {"cxr": "mimic_cxr", "glioma": "slides", "ct": "ct"}[cohort]
    images, table = folder / "samples.h5", folder / "samples.parquet"
    made_by = {"seed": 1, "model_sha256": "ab" * 32}
    if family == "cyclegan":
        steps = ["generator", "cycle", "identity", "pair", "discriminator_a", "discriminator_b"]
        pairs = [
            (p, i, direction) for p in (9, 10, 11) for i in range(0, 6, 2) for direction in (0, 1)
        ]
        hu = np.stack([picture("ct", 1 - d, rng) for _, _, d in pairs])
        ids = [[f"{SECRET}-{p}-{i + phase}" for p, i, _ in pairs] for phase in (0, 1)]
        names = [("ct_to_cect", "cect_to_ct")[d] for *_, d in pairs]
        source = [ids[d][k] for k, (*_, d) in enumerate(pairs)]
        target = [ids[1 - d][k] for k, (*_, d) in enumerate(pairs)]
        # the direction cect_to_ct has no partners at all
        target = [None if d else t for t, (*_, d) in zip(target, pairs, strict=True)]
        extra = {"source_item": source, "target_item": target}
        write_samples(hu, names, images, table, **made_by, extra=extra)
        metrics = {
            "mae_hu": entry(41.237, [35.1, 48.9], "lower"),
            "mae_hu_do_nothing": entry(63.5, [55.2, 71.9], "lower"),
            "mae_hu_gain": entry(22.263, [15.4, 29.8], "higher"),
            "ssim": entry(None, None, "higher", "slices are smaller than the window of 11 pixels"),
        }
        per_class = {direction: metrics for direction in sorted(set(names))}
        extractor, n_generated, compared = None, len(hu), {}
    else:
        steps = ["loss"] if family == "ddpm" else ["generator", "critic", "gradient_penalty"]
        asked = [label for label in labels for _ in range(24)]
        made = np.stack([picture(kind, labels.index(label), rng) for label in asked])
        write_samples(made, asked, images, table, **made_by, extra={"guidance": 1.0})
        metrics = {
            "fid": entry(
                12.3456789 + shift,
                [9.1 + shift, 16.2 + shift],
                "lower",
                floor=2.1,
                null={"noise": 20.0, "constant": 60.0},
            ),
            "kid": entry(0.04321 + shift / 100, [0.021, 0.071 + shift / 100], "lower"),
            "label_agreement": entry(
                0.71 - shift / 50,
                [0.6 - shift / 50, 0.8 - shift / 50],
                "higher",
                chance=0.37,
                judge=entry(0.83, [0.61, 0.94], "higher", chance=0.5),
            ),
            "recall": entry(None, None, "higher", "3 images against 3, more than 3 are needed"),
        }
        per_class = {
            c: {
                "label_agreement": entry(share, [share - 0.15, share + 0.08], "higher", chance=0.33)
            }
            for c, share in zip(labels, [0.9 - shift / 50, 0.7, 0.4], strict=False)
        }
        extractor, n_generated = {"sha256": "cd" * 32}, len(made)
        compared = {"n": 18, "mix": dict.fromkeys(labels, 18 // len(labels))}
    write_history(folder / "history.csv", steps)
    (folder / "model.safetensors").write_bytes(name.encode())
    results = {
        "experiment": name,
        "cohort": cohort,
        "family": family,
        "split": "test",
        "extractor": extractor,
        "n_real": 18,
        "n_generated": n_generated,
        **compared,
        **({"reference": "pairs", "notes": ["D_C is off"]} if family == "cyclegan" else {}),
        "metrics": metrics,
        "per_class": per_class,
    }
    write_json(results, folder / "metrics.json")
    return ExperimentArtifacts(
        name=name,
        cohort=cohort,
        family=family,
        task="translation" if family == "cyclegan" else "generation",
        history=folder / "history.csv",
        model=folder / "model.safetensors",
        images=images,
        table=table,
        metrics=folder / "metrics.json",
        card=write_card(folder, labels),
        people=write_people(folder),
    )


def make_study(root: Path) -> tuple[list[CohortArtifacts], list[ExperimentArtifacts]]:
    genotypes = ["IDH-mutant, 1p/19q codeleted", "IDH-mutant, 1p/19q intact", "IDH-wildtype"]
    cohorts = [
        make_cohort(
            root, "cxr", "mimic_cxr", ["AP", "PA"],
            [
                {"status": "excluded", "reason": "view_lateral", "n": 30},
                {"status": "quarantined", "reason": "truncated", "n": 3},
                {"status": "quarantined", "reason": "cannot_decode", "n": 1},
            ],
        ),
        make_cohort(
            root, "glioma", "slides", genotypes,
            [
                {"status": "excluded", "reason": "no_genotype", "n": 12},
                {"status": "quarantined", "reason": "no_mpp", "n": 2},
            ],
        ),
        make_cohort(root, "ct", "ct", ["cect", "ct"], []),
    ]  # fmt: skip
    experiments = [
        make_classifier(root, "cxr", ["AP", "PA"]),
        make_classifier(root, "glioma", genotypes),
        make_experiment(root, "ddpm_cxr", "ddpm", "cxr", ["AP", "PA"], 0.0),
        make_experiment(root, "ddpm_glioma", "ddpm", "glioma", genotypes, 0.0),
        make_experiment(root, "progan_glioma", "progan", "glioma", genotypes, 9.0),
        make_experiment(root, "cyclegan_ct", "cyclegan", "ct", ["cect", "ct"], 0.0),
    ]
    return cohorts, experiments
