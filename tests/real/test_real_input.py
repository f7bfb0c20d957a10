"""The Snakefile on real images: everything in, used or set aside with a reason, and reported.

The same configuration as ``make real`` with very short training.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.checkout import ROOT, Checkout

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The results folder of a shortened ``make real``."""
    checkout = Checkout(tmp_path_factory.mktemp("real") / "medsynth")
    config = yaml.safe_load((ROOT / "tests" / "real" / "config.yaml").read_text())
    config["results_dir"] = "results"
    config["classifier"] |= {"steps": 20}
    config["evaluation"] = {"bootstrap": 20, "kid_subsets": 5, "kid_subset_size": 10}
    for experiment in config["experiments"]:
        experiment["train"] |= {"steps": 10}
        if "sample" in experiment:
            experiment["sample"]["per_class"] = 8
    (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    checkout.environment["MEDSYNTH_REAL_DATA"] = str(DATA)
    checkout.snakemake()
    return checkout.folder / "results"


def _summary(results: Path, cohort: str) -> dict:
    return json.loads((results / "cohorts" / cohort / "summary.json").read_text())


def _reasons(results: Path, cohort: str) -> dict[str, int]:
    return {r["reason"]: r["n"] for r in _summary(results, cohort)["reasons"]}


def test_every_radiograph_is_used(results):
    assert _summary(results, "radiographs")["items"] == {
        "in": 139, "used": 139, "quarantined": 0, "excluded": 0,
    }  # fmt: skip


def test_every_region_of_a_kept_project_gives_tiles_with_it_as_label(results):
    manifest = pd.read_parquet(results / "cohorts" / "regions" / "manifest.parquet")
    table = pd.read_csv(DATA / "tcga-he-regions" / "projects.csv").set_index("slide")
    patients = table.groupby("tcga_project")["case"].nunique()
    enough = table["tcga_project"].isin(patients.index[patients >= 3])
    used = manifest["status"] == "used"
    assert set(manifest["group"][used]) == set(table.index[enough])
    assert set(manifest["group"][~used]) == set(table.index[~enough])
    assert set(manifest["reason"][~used]) == {"not_kept"}
    assert (manifest["label"] == manifest["group"].map(table["tcga_project"])).all()


def test_glioma_regions_carry_the_genotype_of_the_published_table(results):
    manifest = pd.read_parquet(results / "cohorts" / "glioma" / "manifest.parquet")
    used = manifest[manifest["status"] == "used"]
    calls = used.drop_duplicates("patient").set_index("patient")["label"]
    published = pd.read_csv(
        DATA / "tcga-tables" / "lgggbm_tcga_pub.data_clinical_sample.tmb2020.txt",
        sep="\t",
        comment="#",
    ).set_index("SAMPLE_ID")["IDH_CODEL_SUBTYPE"]
    names = {
        "IDHmut-codel": "IDH-mutant codeleted",
        "IDHmut-non-codel": "IDH-mutant non-codeleted",
        "IDHwt": "IDH-wildtype",
    }
    assert len(calls) == 3
    assert calls.to_dict() == published[calls.index].map(names).to_dict()
    # Two glioblastomas and a head and neck tumour are not in the lower-grade tables.
    excluded = manifest[manifest["reason"] == "no_genotype"]
    assert excluded["patient"].nunique() == 3
    assert _reasons(results, "glioma")["no_barcode"] == 3


def test_ct_slices_are_used_or_set_aside_as_duplicates(results):
    assert _summary(results, "tcga_ct")["items"]["used"] == 55
    assert _reasons(results, "tcga_ct") == {"duplicate": 3}
    assert _summary(results, "serial_ct")["items"]["used"] == 10


def test_report_shows_all_cohorts_and_no_identifier(results):
    page = (results / "report" / "index.html").read_text()
    patients = set()
    for cohort in ("radiographs", "regions", "glioma", "tcga_ct", "serial_ct"):
        assert cohort in page
        frame = pd.read_parquet(results / "cohorts" / cohort / "manifest.parquet")
        patients |= set(frame["patient"].dropna())
    assert len(patients) > 80
    assert not re.search("|".join(re.escape(p) for p in sorted(patients)), page)


def test_translation_without_pairs_says_so_instead_of_a_number(results):
    path = results / "experiments" / "tcga_ct_cyclegan" / "metrics.json"
    metric = json.loads(path.read_text())["metrics"]["mae_hu"]
    assert metric["value"] is None and metric["reason"]


@pytest.mark.parametrize("experiment", ["radiographs_ddpm", "regions_ddpm"])
@pytest.mark.parametrize("kind", ["noise", "constant"])
def test_noise_and_a_constant_lose_to_real_images_on_every_figure(results, experiment, kind):
    metrics = json.loads((results / "experiments" / experiment / "metrics.json").read_text())
    for name in ("fid", "kid", "precision", "recall", "density", "coverage"):
        entry = metrics["metrics"][name]
        sign = 1 if entry["better"] == "lower" else -1
        assert sign * entry["floor"] < sign * entry["null"][kind], name
