"""Reasons in the user's words, and how long a run still takes."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from snakemake.jobs import Reason
from snakemake.persistence import ParamsChange

from snakemake_logger_plugin_medsynth.estimate import Estimate
from snakemake_logger_plugin_medsynth.jobs import Job, Progress, duration
from snakemake_logger_plugin_medsynth.plan import plan
from snakemake_logger_plugin_medsynth.reasons import UNKNOWN, Why, why

CODES = ("a" * 64, "b" * 64)


def reason(**what) -> Reason:
    """Snakemake's own, so that its words are those that ours must know."""
    made = Reason()
    for name, value in what.items():
        setattr(made, name, value)
    return made


def params(before: list, now: list) -> Reason:
    change = ParamsChange(set(map(repr, before)), set(map(repr, now)), {"out"})
    return reason(params_changed=change)


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (reason(forced=True), ["forced"]),
        (reason(_missing_output={"a"}, code_changed=True), ["missing output"]),
        (reason(_incomplete_output={"a"}), ["unfinished output"]),
        (reason(_updated_input={"raw/a.csv"}), ["input updated: raw/a.csv"]),
        (reason(input_changed=True), ["other input files"]),
        (reason(code_changed=True), ["code changed"]),
        (reason(software_stack_changed=True), ["software environment changed"]),
        (params([CODES[0]], [CODES[1]]), ["code changed"]),
        (params([{"steps": 60, "lr": 1}], [{"steps": 80, "lr": 1}]), ["steps: 60 → 80"]),
        (params([{"unet": {"c": 8}}], [{"unet": {"c": 16}}]), ["unet.c: 8 → 16"]),
        (params([{"a": 1, "b": 2}], [{"a": 1, "c": 3}]), ["c: new, 3", "b: gone, was 2"]),
        (
            params([{"seed": 1}, {"steps": 2}, CODES[0]], [{"seed": 3}, {"steps": 4}, CODES[1]]),
            ["code changed", "seed: 1 → 3", "steps: 2 → 4"],
        ),
        (params([{k: 0 for k in "abcde"}], [{k: 1 for k in "abcde"}])
         , ["a: 0 → 1", "b: 0 → 1", "c: 0 → 1", "and 2 more"]),
        # Of outputs that were made with different settings nobody knows which is the old one.
        (params([{"steps": 60}, {"steps": 70}], [{"steps": 80}]), [UNKNOWN]),
        (params([{"steps": 60}, {"steps": 70}], [{"steps": 80}, {"lr": 1}]), [UNKNOWN]),
        (params(["a/b"], ["a/c"]), [UNKNOWN]),
        (params([{"lr": float("nan")}], [{"lr": 1.0}]), [UNKNOWN]),
    ],
)  # fmt: skip
def test_a_reason_in_the_users_words(given, own):
    found = why(str(given))
    assert sorted(found.own) == sorted(own) and found.above == []


def test_files_that_another_job_will_make_are_above():
    both = reason(_updated_input_run={"x"}, input_changed=True)
    assert why(str(both)) == Why(["other input files"], ["x"])


def job(number: int, rule: str, name: str = "", reason: str = "", **more) -> Job:
    given = {"log": [], "benchmark": None, "outputs": [f"{rule}{name}"]} | more
    return Job(id=number, rule=rule, name=name, reason=reason, **given)


def test_what_follows_names_the_jobs_that_it_follows_from():
    changed = "Code has changed since last execution"
    above = "Input files updated by another job: "
    jobs = [
        job(1, "train", "a", changed),
        job(2, "sample", "a", f"{above}traina"),
        job(3, "page", "", f"{above}samplea, elsewhere"),
        job(4, "all", outputs=[]),
    ]
    rows = plan(jobs, {"train": 1, "sample": 1, "page": 1, "all": 1})
    assert rows[1:] == [
        ("train", "1", "a: code changed"),
        ("sample", "1", "follows from train"),
        ("page", "1", "follows from train"),
        ("all", "1", ""),
        ("total", "4", ""),
    ]


@pytest.fixture
def benchmarks(tmp_path):
    """Of an earlier run, 100 s each; that of a training is not believed."""
    for name in ("sample_model/x", "train_model/x", "build_report"):
        file = tmp_path / "benchmarks" / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("s\th:m:s\n100.0\t0:01:40\n")
    return tmp_path / "benchmarks"


def left(
    benchmarks, waiting: dict[str, int], progress: Progress | None, begun: float
) -> str | None:
    """One training has been running since `begun` seconds, and others wait."""
    estimate, now = Estimate(), time.monotonic()
    path = str(benchmarks / "train_model" / "a.tsv")
    running = job(1, "train_model", "a", benchmark=path, begun=now - begun)
    running.progress, running.seen = progress, now
    estimate.look_up_earlier(running)
    return estimate.left([running], Counter(waiting))


def test_the_time_left_is_told_when_a_training_has_said_how_fast_it_is(benchmarks):
    half = Progress(50, 100, seconds=600.0)
    assert left(benchmarks, {"sample_model": 1}, None, 600) is None
    assert left(benchmarks, {"sample_model": 1}, half, 0) == "~12 min left"
    # One job at a time so far; the next training will take as long as this one.
    assert left(benchmarks, {"train_model": 1, "sample_model": 1}, half, 0) == "~22 min left"
    assert left(benchmarks, {"sample_model": 1, "build_report": 1}, half, 0) == "~13 min left"
    # How long it takes to evaluate nobody knows yet.
    waiting = {"sample_model": 1, "evaluate_model": 1}
    assert left(benchmarks, waiting, half, 0) == "at least ~12 min left"


def test_how_far_a_training_is_stands_in_its_log(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(
        "INFO medsynth.runtime.loop: a: step 20/400 loss=0.5 (10.0 steps/s, 38 s left)\n"
        "INFO medsynth.runtime.loop: a: step 399/400 loss=0.4 (9.5 steps/s, 0 s left)\n"
    )
    training = job(1, "train_model", "a", log=[str(log)])
    training.look()
    assert training.progress == Progress(399, 400, 0.0) and training.progress.percent == 99
    later = job(1, "train_model", "a", log=[str(log)], since=time.time() + 60)
    later.look()
    assert later.progress is None  # that was another run's
    other = job(2, "pair_images", "ct", log=[str(tmp_path / "none.log")])
    other.look()
    assert other.progress is None


def test_durations_are_written_as_people_do():
    assert [duration(s) for s in (8.4, 200, 7500)] == ["8 s", "3 min 20 s", "2 h 5 min"]
