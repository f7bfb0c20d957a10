"""The page, built from a small synthetic study, says what its artifacts say and nothing private."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_study import SECRET, make_study

from medsynth.lineage.mlflow.database import database_uri
from medsynth.metrics.substitution import substituted
from medsynth.report.page import write_page
from medsynth.report.study import gather
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file


def build(
    cohorts, experiments, page: Path, demo: dict | None = None, tracking: str = "sqlite:///m.db"
) -> str:
    lineage = {"study": "unit <study>", "tracking_uri": tracking}
    config = {"seed": 1, "device": "auto", "demo": demo, "lineage": lineage}
    write_page(
        gather(cohorts, experiments),
        title="Synthetic radiographs, tiles and CT",
        config_dump=config,
        tracking_hint=tracking,
        output=page,
    )
    return page.read_text()


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> dict:
    root = tmp_path_factory.mktemp("study")
    cohorts, experiments = make_study(root)
    text = build(cohorts, experiments, root / "report" / "index.html")
    return {"text": text, "cohorts": cohorts, "experiments": experiments}


def first_generation(study) -> list:
    """The first experiment that is no classifier."""
    return [e for e in study["experiments"] if e.task == "generation"][:1]


def section(text: str, name: str) -> str:
    return re.split(f'<section id="{name}"[^>]*>', text)[1].split("</section>")[0]


def test_every_section_and_its_entry_in_the_contents(study):
    sections = "images findings metrics frequencies training data leakage glossary".split()
    sections += ["downloads", "lineage", "configuration"]
    assert re.findall(r'<section id="(\w+)"', study["text"]) == ["verdicts", *sections]
    assert (
        re.findall(r'<a href="#(\w+)">', study["text"].split("<nav")[1].split("</nav>")[0])
        == sections
    )


def test_each_cohort_with_a_diffusion_model_shows_where_its_frequencies_drown(study):
    text = section(study["text"], "frequencies")
    for cohort in study["cohorts"]:
        if cohort.spectrum is None:
            continue
        found = json.loads(cohort.spectrum.read_text())
        (schedule,) = found["schedules"]
        part = text.split(f"<h3>{found_name(cohort)}</h3>")[1].split("<h3>")[0]
        rows = re.findall(r'<td class="num">(\d+)</td>\s*<td class="num">(\d+)</td>', part)
        assert rows == [(str(b["drowns"]), str(b["measured"])) for b in schedule["bands"]]
        first, last = schedule["ranges"]["content"]
        assert f"content is decided at t {first} to {last}" in part
        assert part.count("<circle") == len(schedule["bands"]) and "data:image/png" in part
    assert "<h3>ct</h3>" not in text


def test_what_classifiers_learn_of_synthetic_images_stands_beside_moments_alone(study, tmp_path):
    labels, patients = np.arange(40) % 2, np.arange(40)
    answers = {"real": (labels * 0)[None], "synthetic": np.stack([labels, 1 - labels])}
    rows = substituted(answers, labels, patients, ["AP", "PA"], 50, 1, "real")
    found = {
        "experiment": "ddpm_cxr", "split": "test", "n_real": 40, "patients": 40, "seeds": [1, 2],
        "trained_on": {"real": {"AP": 30, "PA": 4}, "synthetic": {"AP": 30, "PA": 30}},
        "classifier": rows, "moments_alone": rows,
    }  # fmt: skip
    write_json(found, tmp_path / "judged.json")
    experiments = [
        replace(e, judged=tmp_path / "judged.json") if e.name == "ddpm_cxr" else e
        for e in study["experiments"]
    ]
    text = section(build(study["cohorts"], experiments, tmp_path / "index.html"), "metrics")
    row = (
        text.split("as training images")[1].split('<th scope="row">synthetic')[1].split("</tr>")[0]
    )
    assert "AP 30, PA 30" in row and "by seed 1, 0" in row
    assert re.findall(r'<data value="([^"]+)"', row) == ["0.5", "0.0", "0.5", "0.5", "0.5"]
    assert "as training images" not in study["text"]


def found_name(cohort) -> str:
    return json.loads(cohort.summary.read_text())["cohort"]


def test_nothing_is_loaded_from_outside(study):
    text = study["text"]
    loaded = re.findall(r'(?:src|srcset|poster|data|xlink:href)="([^"]*)"', text)
    assert loaded and all(target.startswith("data:image/") for target in loaded)
    links = set(re.findall(r'href="([^"#][^"]*)"', text))
    links = {link for link in links if not link.startswith("data:")}
    assert links == {"http://127.0.0.1:5000/#/experiments?workflowType=machine_learning"}
    assert set(re.findall(r"https?://[^/\s\"<]+", text)) == {"http://127.0.0.1:5000"}
    assert not re.search(r"<(script [^>]*src|link|iframe|object|embed)\b|@import|url\(", text)
    assert "default-src 'none'" in text


def test_no_identifier_reaches_the_page(study):
    assert SECRET not in study["text"]
    assert SECRET in str(pd.read_parquet(study["cohorts"][0].manifest)["patient"].iloc[0])


def test_guessed_labels_are_counted_by_class_and_called_guesses(study):
    text = re.sub(r"<[^>]+>|\s+", " ", section(study["text"], "data"))
    text = re.sub(" +", " ", text)
    assert "cect from the DICOM header 3 " in text and "ct from the DICOM header 36 " in text
    assert "cect guessed from the brightness of the blood, uncalibrated 33 " in text
    assert text.count("Where the labels of the used items come from") == 1


def test_metric_values_are_those_of_the_json(study):
    shown = re.findall(r'<data value="([^"]+)">', section(study["text"], "metrics"))
    for files in study["experiments"]:
        for metric in json.loads(files.metrics.read_text())["metrics"].values():
            if metric["value"] is not None:
                assert repr(metric["value"]) in shown


def test_null_metric_shows_its_reason_and_no_number(study):
    rows = re.findall(
        r"<tr><th scope=\"row\">SSIM<.*?</tr>", section(study["text"], "metrics"), re.S
    )
    assert len(rows) == 2  # of all pairs, and by direction
    for row in rows:
        assert "slices are smaller than the window of 11 pixels" in row
        assert "<data" not in row and "—" in row


def test_flow_counts_equal_the_summary(study):
    for files, drawing in zip(
        study["cohorts"],
        re.findall(r'<svg class="flow".*?</svg>', study["text"], re.S),
        strict=True,
    ):
        summary = json.loads(files.summary.read_text())
        names = [html.unescape(n) for n in re.findall(r'class="name">([^<]*)<', drawing)]
        counts = [int(n) for n in re.findall(r'class="count">(\d+)', drawing)]
        drawn = dict(zip(names, counts, strict=True))
        # Of slides, tiles are drawn, and two slides gave none.
        tiles = summary["kind"] == "slides"
        first = drawn["all tiles" if tiles else "all files"]
        assert first == summary["items"]["in"] - 2 * tiles
        assert drawn["used"] == summary["items"]["used"]
        for reason in summary["reasons"]:
            if reason["reason"] == "no_mpp":
                assert "no mpp" not in drawn
                continue
            assert drawn[reason["reason"].replace("_", " ")] == reason["n"]
        for split in ("train", "validate", "test"):
            cells = [r["items"] for r in summary["by_label_split"] if r["split"] == split]
            assert drawn[split] == sum(cells)


def test_counts_of_a_stage_are_a_table_of_their_own(study):
    data = section(study["text"], "data")
    (table,) = re.findall(r"<table>\s*<caption>Genotype calls.*?</table>", data, re.S)[:1]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.S)
    cells = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    # Lists of numbers stay in the file.
    assert cells == ["Count of Value", "cases 12", "IDH rests on silent exome 11"]


def test_files_and_images_made_of_them_are_counted_apart(study):
    data = section(study["text"], "data")
    left_out = [
        " ".join(re.sub(r"<[^>]+>", " ", r).split())
        for r in re.findall(r"<tr>.*?</tr>", data, re.S)
    ]
    assert any(re.fullmatch("excluded no genotype .*12 tiles", row) for row in left_out)
    assert any(re.fullmatch("quarantined no mpp .* 2 slide files", row) for row in left_out)
    assert "no tiles were made of them: 2 slide files" in data


def test_every_picture_has_a_scale(study):
    images = section(study["text"], "images")
    figures = re.findall(r'<figure class="block">.*?</figure>', images, re.S)
    assert len(figures) == 2 + 3 + 2
    for figure in figures:
        assert "<h4>" in figure and re.search(r'class="bar"><i style="width:\d', figure)
    assert "A bar in px" not in images  # the fields of the CT slices are known


def test_ddpm_and_progan_of_one_cohort_are_compared(study):
    metrics = section(study["text"], "metrics")
    assert "ddpm_glioma (ddpm)" in metrics and "progan_glioma (progan)" in metrics
    assert "Experiments on cohort cxr side by side" not in metrics  # only one experiment there
    findings = section(study["text"], "findings")
    assert "progan_glioma 21.35: better, the intervals do not overlap" in findings  # FID
    assert "progan_glioma 0.1332: better, but the intervals overlap" in findings  # KID
    assert "untranslated 63.5; gain 22.26 (15.4 to 29.8)" in findings


def test_lineage_lists_every_artifact_by_content(study):
    lineage = section(study["text"], "lineage")
    for files in study["experiments"]:
        assert str(files.model) in lineage
        assert digest_file(files.model) in lineage
    shards = [shard for files in study["cohorts"] for shard in files.shards]
    assert all(digest_file(shard) in lineage for shard in shards)


def test_a_run_is_found_by_the_digest_of_what_it_made(study):
    lineage = section(study["text"], "lineage")
    last = digest_file(study["experiments"][-1].metrics)[:12]
    assert f"medsynth trace {last}" in lineage
    assert f"tags.`medsynth.outputs` LIKE '%{last}%'" in lineage


def test_small_numbers_are_called_small(study):
    metrics = section(study["text"], "metrics")
    assert "Only 18 real and 18 generated images are compared." in metrics
    assert metrics.count("come from 3 patients.") == 3
    assert metrics.count("Intervals take patients for independent") == 3


def test_figures_stand_beside_real_images_and_nulls_and_are_marked_where_they_beat_none(study):
    metrics = section(study["text"], "metrics")
    rows = re.findall(r"<tr><th scope=\"row\">FID<small>.*?</tr>", metrics, re.S)
    cells = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    assert all(" 2.1 20 60 lower" in cell for cell in cells) and len(cells) == 3
    assert [cell.count("not better than noise") for cell in cells] == [0, 0, 1]
    judge = "the judge on held-out real images: balanced accuracy 0.83 (0.61 to 0.94), chance 0.5"
    assert judge in metrics and judge in section(study["text"], "findings")
    nothing = "No baseline: what noise or guessing reaches in KID is not known."
    assert metrics.count(nothing) == 3  # of every experiment that generates; none of its figures
    assert "No baseline: losses and accuracies" in section(study["text"], "training")


def saved(text: str, name: str) -> str:
    """A file of the downloads."""
    (data,) = re.findall(f'download="{name}" href="data:[^,]*;base64,([^"]*)"', text)
    return base64.b64decode(data).decode()


def test_downloads_hold_the_figures(study):
    table = pd.read_csv(io.StringIO(saved(study["text"], "metrics.csv")), keep_default_na=False)
    rows = table[(table["experiment"] == "ddpm_glioma") & (table["class"] == "")]
    fid = rows.set_index("metric").loc["fid"]
    found = [float(fid[c]) for c in ("value", "low", "high", "real_images", "noise", "constant")]
    assert found == [12.3456789, 9.1, 16.2, 2.1, 20.0, 60.0]
    results = {e.name: json.loads(e.metrics.read_text()) for e in study["experiments"]}
    assert json.loads(saved(study["text"], "metrics.json")) == results
    assert len(table) == sum(
        len(r["metrics"]) + sum(map(len, r["per_class"].values())) for r in results.values()
    )
    curves = pd.read_csv(io.StringIO(saved(study["text"], "curves.csv")))
    assert set(curves["experiment"]) == {e.name for e in study["experiments"]}
    assert "device: auto" in saved(study["text"], "configuration.yaml")
    for name in re.findall('download="([^"]*)"', study["text"]):
        assert SECRET not in saved(study["text"], name)


def test_the_glossary_names_every_figure_and_who_defined_it(study):
    glossary = section(study["text"], "glossary")
    for title in ("FID", "KID", "MAE (HU)", "SSIM", "Accuracy"):
        assert glossary.count(f"<dt>{title}</dt>") == 1
    assert "Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule" in glossary
    assert "Inception score" not in glossary  # none was measured


def test_text_from_outside_is_escaped(study):
    assert "unit <study>" not in study["text"]
    assert "unit &lt;study&gt;" in study["text"]


def test_pictures_have_alternative_texts(study):
    pictures = re.findall(r"<img [^>]*>", study["text"])
    # Strips of 12 of 2 and 3 classes, of which one has real images of 1 patient only; slices of 2
    # directions, one with a target.
    tiles = 2 * 24 - 6 + 3 * (6 + 2 * 12) + 6 * (4 + 3)
    tiles += 2  # cohorts with a diffusion model, in noise
    viewer = '<img alt="">'  # shows what is chosen
    assert pictures.count(viewer) == 1
    assert len(pictures) == tiles + 1
    assert all(re.search(r'alt="[^"]{20,}"', picture) for picture in pictures if picture != viewer)


def test_translations_are_set_beside_their_target_where_there_is_one(study):
    images = section(study["text"], "images")
    unpaired, paired = images.split("<h4>cyclegan_ct: cect to ct")[1].split(
        "<h4>cyclegan_ct: ct to"
    )
    assert "translated − source" in unpaired and "<strong>target" not in unpaired
    assert "translated − target" in paired and "<strong>target" in paired


def test_mlflow_is_opened_by_command_or_found_on_its_server(study, tmp_path):
    assert "mlflow ui --workers 1 --backend-store-uri sqlite:///m.db" in section(
        study["text"], "lineage"
    )
    page, server = tmp_path / "page.html", "https://mlflow.example.org"
    text = build(study["cohorts"][:1], first_generation(study), page, tracking=server)
    assert f'href="{server}/#/experiments?workflowType=machine_learning"' in text
    assert "mlflow ui" not in text and "127.0.0.1" not in text


def test_the_command_for_mlflow_can_be_pasted_into_a_shell(study, tmp_path):
    odd = database_uri("out 50 %/who's?/mlflow.db")
    text = build(study["cohorts"][:1], first_generation(study), tmp_path / "p.html", tracking=odd)
    (line,) = re.findall("mlflow ui .*", html.unescape(section(text, "lineage")))
    assert shlex.split(line) == ["mlflow", "ui", "--workers", "1", "--backend-store-uri", odd]


def test_credentials_of_the_tracking_server_stay_out(study, tmp_path):
    page, uri = tmp_path / "page.html", "postgresql://alice:hunter2@db.example.org/mlflow"
    text = build(study["cohorts"][:1], first_generation(study), page, tracking=uri)
    assert "alice" not in text and "hunter2" not in text
    assert section(text, "lineage").count("postgresql://…@db.example.org/mlflow") == 1
    assert section(text, "configuration").count("postgresql://…@db.example.org/mlflow") == 1


def test_page_is_the_same_every_time(study, tmp_path):
    assert build(study["cohorts"], study["experiments"], tmp_path / "again.html") == study["text"]


def test_failed_gate_and_demonstration_data_are_said_aloud(study, tmp_path):
    gate = tmp_path / "leakage.json"
    write_json({"patients_in_two_splits": 2, "items_twice": 0, "ok": False}, gate)
    cohorts = [replace(study["cohorts"][0], leakage=gate)]
    text = build(cohorts, first_generation(study), tmp_path / "page.html", demo={"seed": 7})
    assert section(text, "leakage").count("FAILED") == 1
    assert "Demonstration data" in text and "Contains real held-out images" not in text
    assert "FAILED" not in study["text"] and "Demonstration data" not in study["text"]


def test_no_heading_stands_over_nothing(study, tmp_path):
    alone = build(study["cohorts"], [], tmp_path / "page.html")
    for text in (study["text"], alone):
        parts = re.findall(r"<(h[2-4]|p|table|img|div|pre|dl|details|/section)\b", text)
        for part, after in zip(parts, parts[1:], strict=False):
            assert not (
                part.startswith("h") and after in ("/section", "h2", "h3", "h4")[: int(part[1])]
            )
        for table in re.findall(r"<table>.*?</table>", text, re.S):
            head, body = table.split("</thead>")
            rows = [
                re.findall(r"<t[hd]\b.*?>(.*?)</t[hd]>", r, re.S) for r in body.split("<tr>")[1:]
            ]
            assert rows and "<th" in head
            for column in zip(*rows, strict=False):
                assert "".join(column).strip(), table
    assert section(alone, "findings").count("No experiment is configured") == 1
