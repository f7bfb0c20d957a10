"""What a user sees when something is wrong, through the public command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time


def test_two_mistakes_in_the_configuration_are_listed_at_once(checkout):
    config = checkout.folder / "tiny.yaml"
    text = config.read_text().replace("image_size: 32", "image_sise: 32")
    config.write_text(text.replace("device: cpu", "device: gpu"))
    result = checkout.snakemake("-n", check=False)
    assert result.returncode != 0
    assert "2 mistake(s)" in result.stdout
    assert "image_sise" in result.stdout and "unknown key" in result.stdout
    assert "device" in result.stdout and "Traceback" not in result.stdout


def test_a_missing_raw_folder_is_named_before_anything_runs(checkout):
    config = checkout.folder / "tiny.yaml"
    config.write_text(config.read_text().replace("results/demo/tcga-ct", "/mnt/absent/ct"))
    result = checkout.snakemake("-n", check=False)
    assert result.returncode != 0
    assert "cohorts.ct.root: /mnt/absent/ct does not exist" in result.stdout
    assert "Traceback" not in result.stdout


def test_a_gpu_that_is_not_there_is_told_with_its_line_and_nothing_else(checkout):
    config = checkout.folder / "tiny.yaml"
    config.write_text(config.read_text().replace("device: cpu", "device: cuda"))
    checkout.environment["CUDA_VISIBLE_DEVICES"] = ""
    result = checkout.snakemake(check=False)
    *_, title, mistake = result.stdout.strip().splitlines()
    assert result.returncode != 0 and title == "1 mistake(s) in the configuration:"
    assert mistake.startswith("  tiny.yaml:4: device: cuda is asked for, and no GPU is here;")


def test_a_dry_run_writes_nothing(checkout):
    checkout.snakemake("-n")
    assert not (checkout.folder / "results").exists()


def test_a_killed_training_goes_on_from_its_checkpoint(copy):
    config = copy.folder / "tiny.yaml"
    text, short = config.read_text(), "{steps: 20, batch: 4"
    assert short in text
    longer = "{steps: 150, checkpoint_every: 5, log_every: 5, batch: 4"
    config.write_text(text.replace(short, longer))
    target = "results/experiments/ct_cyclegan/model.safetensors"
    workflow = subprocess.Popen(
        copy.command("--", target),
        cwd=copy.folder,
        env=copy.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    work = copy.folder / "results" / "work"
    deadline = time.monotonic() + 300
    while not list(work.glob("ct_cyclegan-*/checkpoint.pt")):
        assert workflow.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(workflow.pid, signal.SIGKILL)
    workflow.wait()
    assert not (copy.folder / target).exists()

    copy.snakemake("--", target)
    log = copy.folder / "results" / "logs" / "train_model" / "ct_cyclegan.log"
    assert re.search(r"resuming after step \d+ of 150", log.read_text())
    assert (copy.folder / target).exists()
    assert not list(work.glob("ct_cyclegan-*"))
