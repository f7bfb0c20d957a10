"""The fetch: group: what the configuration refuses, and one workflow that fetches, then indexes."""

from __future__ import annotations

import base64
import json
import re

import pandas as pd
import pytest
import yaml

from medsynth.config.loading import load_config, parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.demo.radiographs import write_cxr
from medsynth.lineage.erasure.search import remains
from tests.checkout import ROOT, Checkout
from tests.unit.archive_stub import PASSWORD, TOKEN, USER, Archive, serving

UID = "1.3.6.1.4.1.14519.5.2.1"
UUID = "00000000-1234-4bcd-8abc-0123456789ab"
PHYSIONET = {"kind": "physionet", "projects": [{"path": "mimic-cxr/2.1.0"}]}
TCIA = {"kind": "tcia", "collection": "TCGA-LUAD"}


def config_with(destination, **download):
    """A configuration of one cohort, whose root is the destination of one download."""
    return {
        "cohorts": {
            "cxr": {
                "kind": "mimic_cxr",
                "root": str(destination),
                "index": {"label": {"kind": "view"}},
            }
        },
        "fetch": {"mimic": {"destination": str(destination)} | download},
    }


def test_nothing_is_fetched_unless_it_is_listed():
    for path in sorted((ROOT / "config").glob("*.yaml")):
        assert parse_config(yaml.safe_load(path.read_text())).fetch == {}


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (PHYSIONET | {"base_url": "http://example.org"}, "https://"),
        (PHYSIONET | {"base_url": "https://me:hunter2@example.org"}, "belong into the environment"),
        (PHYSIONET | {"projects": [{"path": "../x/1"}]}, r"projects\.#1\.path"),
        (PHYSIONET | {"password": "hunter2"}, "unknown key"),
        (TCIA | {"manifest": "cart.tcia"}, "either manifest or collection"),
        ({"kind": "tcia"}, "either manifest or collection"),
        ({"kind": "tcia", "manifest": "cart.tcia", "modality": "CT"}, "modality narrows"),
        ({"kind": "gdc"}, "manifest"),
    ],
)
def test_settings_that_cannot_work_or_hold_passwords_are_refused(tmp_path, download, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(config_with(tmp_path, **download))


def test_a_destination_must_exist_and_be_the_root_itself(tmp_path):
    config = config_with(tmp_path / "data", **PHYSIONET)
    with pytest.raises(ConfigError, match="fetch.mimic.destination: .*make this folder"):
        load_config(config)
    (tmp_path / "data").mkdir()
    load_config(config)
    config["cohorts"]["cxr"]["root"] += "/files"
    with pytest.raises(ConfigError, match="give the destination itself"):
        load_config(config)


def test_a_missing_manifest_is_named(tmp_path):
    config = config_with(tmp_path, kind="gdc", manifest=str(tmp_path / "cart.txt"))
    with pytest.raises(ConfigError, match="fetch.mimic.manifest: .*cart.txt does not exist"):
        load_config(config)


@pytest.fixture
def archives(tmp_path):
    """A stub for each of the three archives, and the configuration that names them."""
    write_cxr(tmp_path / "source", 9, 1)
    tree = {
        path.relative_to(tmp_path / "source").as_posix(): path.read_bytes()
        for path in (tmp_path / "source").rglob("*")
        if path.is_file()
    }
    with serving(Archive(restricted="physionet")) as physionet, serving(Archive()) as open_one:
        images = {name: body for name, body in tree.items() if name.endswith(".dcm")}
        physionet.add_project("mimic-cxr/2.1.0", images)
        tables = {name: body for name, body in tree.items() if name.endswith(".csv.gz")}
        physionet.add_project("mimic-cxr-jpg/2.1.0", tables)
        open_one.add_series(UID, {"00000001.dcm": b"image"})
        (tmp_path / "cart.txt").write_text(open_one.add_gdc({UUID: ("a.seg.txt", b"segments")}))
        (tmp_path / "cart.tcia").write_text(f"ListOfSeriesToDownload=\n{UID}\n")
        (tmp_path / "token").write_text(TOKEN)
        for name in ("mimic", "segments", "lung"):
            (tmp_path / name).mkdir()
        config = config_with(
            tmp_path / "mimic",
            kind="physionet",
            base_url=physionet.url,
            user_agent="Wget/1.21 (medsynth)",
            projects=[{"path": f"{name}/2.1.0"} for name in ("mimic-cxr", "mimic-cxr-jpg")],
        )
        open_settings = {"base_url": open_one.url}
        config["fetch"] |= {
            "segments": open_settings
            | {"kind": "gdc", "manifest": str(tmp_path / "cart.txt")}
            | {"destination": str(tmp_path / "segments")},
            "lung": open_settings
            | {"kind": "tcia", "manifest": str(tmp_path / "cart.tcia")}
            | {"destination": str(tmp_path / "lung")},
        }
        yield physionet, open_one, config


def test_the_workflow_fetches_before_it_indexes_and_writes_no_password_down(archives, tmp_path):
    physionet, open_one, config = archives
    checkout = Checkout(tmp_path / "medsynth")
    (checkout.folder / "fetch.yaml").write_text(yaml.safe_dump(config))
    checkout.environment |= {
        "PHYSIONET_USERNAME": USER,
        "PHYSIONET_PASSWORD": PASSWORD,
        "GDC_TOKEN_FILE": str(tmp_path / "token"),
        "TCIA_TOKEN_FILE": str(tmp_path / "token"),
    }
    targets = ["cohorts/cxr/index", "fetch/segments", "fetch/lung"]
    call = ["--configfile", "fetch.yaml", "--", *(f"results/{t}.parquet" for t in targets)]
    printed = checkout.snakemake(*call).stdout

    results = checkout.folder / "results"
    index = pd.read_parquet(results / "cohorts" / "cxr" / "index.parquet")
    assert (index["status"] == "used").sum() >= 9
    receipts = pd.read_parquet(results / "fetch" / "mimic.parquet")
    assert set(index["source_sha256"].dropna()) <= set(receipts["checksum"])
    assert (tmp_path / "segments" / UUID / "a.seg.txt").read_bytes() == b"segments"
    assert (tmp_path / "lung" / UID / "00000001.dcm").read_bytes() == b"image"
    assert open_one.headers[0].get("X-Auth-Token") or open_one.headers[0].get("Authorization")

    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    written = [path for path in checkout.folder.rglob("*") if path.is_file()]
    texts = [printed.encode(), *(path.read_bytes() for path in written)]
    for secret in (PASSWORD.encode(), basic, TOKEN.encode()):
        assert not [text for text in texts if secret in text]
    # Compressed tables and databases, too.
    assert remains(results, {PASSWORD, TOKEN, basic.decode()}, set()) == []
    logs = "".join(path.read_text() for path in (results / "logs").rglob("*.log"))
    assert " wanted" in logs
    assert not re.search("|".join(set(index["patient"])), logs)

    # The fetched folder is the index's raw data: whoever withdraws is found there.
    patient = index.loc[index["status"] == "used", "patient"].iloc[0]
    impact = json.loads(checkout.medsynth("impact", patient, "--json").stdout)
    assert impact["raw"] and all(p.startswith(str(tmp_path / "mimic")) for p in impact["raw"])
    assert str(tmp_path / "mimic" / "medsynth_fetch_mimic.tsv") in impact["rows"]

    asked = len(physionet.asked) + len(open_one.asked)
    assert "Nothing to be done" in checkout.snakemake("-n", *call).stdout
    assert len(physionet.asked) + len(open_one.asked) == asked
