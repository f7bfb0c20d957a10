"""Arms lost by copy-number segments, against hand-made profiles and a painted oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from medsynth.genomics.segments import CENTROMERES, LENGTHS, arm_losses, call_codeletion

MB = 1_000_000


def sample(name: str, p: float, q: float, level: float = 0.0) -> list[tuple]:
    """Segments of chromosomes 1, 2 and 19 in hg38: 1p and 19q at `p` and `q`, the rest level."""
    return [
        (name, "1", 3_000_000, 123_400_000, p + level),
        (name, "1", 124_000_000, 248_000_000, level),
        (name, "2", 10_000, 242_000_000, level),
        (name, "19", 200_000, 26_200_000, level),
        (name, "19", 26_200_000, 58_600_000, q + level),
    ]


def segments(*samples: list[tuple]) -> pd.DataFrame:
    columns = ["sample", "chrom", "start", "end", "mean"]
    return pd.DataFrame(sum(samples, []), columns=columns).assign(file=0)


def test_arm_loss_is_the_share_of_measured_bases() -> None:
    rows = segments(sample("TCGA-AA-0001-01A", -0.6, 0.0))
    rows.loc[0, "end"] = 33_000_000  # 30 Mb of 1p lost, 90.4 Mb kept
    rows.loc[len(rows)] = ("TCGA-AA-0001-01A", "1", 33_000_000, 123_400_000, 0.0, 0)
    losses = arm_losses(rows, "hg38", -0.2).loc[("TCGA-AA-0001-01A", 0)]
    assert losses["loss_1p"] == pytest.approx(30.0 / 120.4, abs=1e-12)
    assert losses["loss_19q"] == 0.0


def test_arm_loss_ignores_the_other_arm_of_a_segment_over_the_centromere() -> None:
    rows = segments(
        [
            ("TCGA-AA-0001-01A", "1", 1, 248_000_000, -0.6),
            ("TCGA-AA-0001-01A", "2", 1, 242_000_000, 0.0),
            ("TCGA-AA-0001-01A", "3", 1, 198_000_000, 0.0),
            ("TCGA-AA-0001-01A", "19", 1, 26_200_000, -0.6),
            ("TCGA-AA-0001-01A", "19", 26_200_000, 58_000_000, 0.0),
        ]
    )
    losses = arm_losses(rows, "hg38", -0.2).loc[("TCGA-AA-0001-01A", 0)]
    assert (losses["loss_1p"], losses["loss_19q"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("build", "first", "nineteenth"),
    [("hg19", 125_000_000, 26_500_000), ("hg38", 123_400_000, 26_200_000)],
)
def test_arms_end_between_the_centromeric_bands(build: str, first: int, nineteenth: int) -> None:
    """Bands p11.1 and q11 of chromosome 1, p11 and q11 of 19, in UCSC's cytoBand tables."""
    name = "TCGA-AA-0001-01A"
    rows = segments(
        [
            (name, "1", 0, first - MB, -0.6),
            (name, "1", first - MB, first, 0.0),
            (name, "1", first, 248 * MB, -0.6),
            (name, "2", 0, 1000 * MB, 0.0),  # sets the level to 0
            (name, "19", 0, nineteenth, -0.6),
            (name, "19", nineteenth, nineteenth + MB, 0.0),
            (name, "19", nineteenth + MB, 58 * MB, -0.6),
        ]
    )
    # A boundary elsewhere would count more or less than the one whole Mb beside it.
    shares = [1 - MB / first, 1 - MB / (58 * MB - nineteenth)]
    assert arm_losses(rows, build, -0.2).iloc[0].tolist() == pytest.approx(shares, abs=1e-12)


def test_partial_losses_are_no_codeletion_and_impure_tumours_need_a_lower_threshold() -> None:
    name = "TCGA-AA-0001-01A"
    partial = segments(sample(name, 0.0, -0.6))
    partial.loc[len(partial)] = (name, "1", 3_000_000, 80_000_000, -0.6, 0)
    partial.loc[0, "start"] = 80_000_000  # 64 % of 1p lost
    assert call_codeletion(partial, "hg38", -0.2, 0.7)["codeletion"].tolist() == [False]
    assert call_codeletion(partial, "hg38", -0.2, 0.6)["codeletion"].tolist() == [True]
    impure = segments(sample(name, -0.15, -0.15))
    assert call_codeletion(impure, "hg38", -0.2, 0.7)["codeletion"].tolist() == [False]
    assert call_codeletion(impure, "hg38", -0.1, 0.7)["codeletion"].tolist() == [True]


def test_codeletion_follows_the_level_of_the_sample() -> None:
    rows = segments(
        sample("TCGA-AA-0001-01A", -0.6, -0.6, level=0.5),  # gained genome, both arms lost
        sample("TCGA-AA-0002-01A", 0.0, 0.0, level=-0.5),  # everything low alike: nothing lost
    )
    calls = call_codeletion(rows, "hg38", -0.2, 0.7)["codeletion"]
    assert bool(calls["TCGA-AA-0001"]) and not bool(calls["TCGA-AA-0002"])


def test_codeletion_is_called_from_the_primary_and_null_where_not_measured() -> None:
    unmeasured = sample("TCGA-AA-0002-01A", -0.6, -0.6)[:3]
    rows = segments(
        sample("TCGA-AA-0001-02A", -0.6, -0.6), sample("TCGA-AA-0001-01A", 0, 0), unmeasured
    )
    calls = call_codeletion(rows, "hg38", -0.2, 0.7)
    assert not bool(calls.loc["TCGA-AA-0001", "codeletion"])
    assert calls.loc["TCGA-AA-0002", "codeletion"] is pd.NA
    assert calls.loc["TCGA-AA-0002", "loss_1p"] == 1.0


def test_a_sample_measured_twice_is_called_from_the_first_file_that_measured_it() -> None:
    name = "TCGA-AA-0001-01A"
    unmeasured = segments(sample(name, -0.6, -0.6)[:3])
    second = segments(sample(name, 0.0, 0.0)).assign(file=1)
    third = segments(sample(name, -0.6, -0.6)).assign(file=2)
    calls = call_codeletion(pd.concat([third, second, unmeasured]), "hg38", -0.2, 0.7)
    assert calls["codeletion"].tolist() == [False]


def test_without_another_chromosome_the_level_is_unknown() -> None:
    rows = segments(sample("TCGA-AA-0001-01A", -0.6, -0.6))
    calls = call_codeletion(rows[rows["chrom"] != "2"], "hg38", -0.2, 0.7)
    assert calls.loc["TCGA-AA-0001", "codeletion"] is pd.NA
    assert calls.loc["TCGA-AA-0001", "codeletion_reason"] == "codeletion_not_measured"


SEGMENT = st.tuples(
    st.sampled_from(["1", "19"]),
    st.integers(0, 260),
    st.integers(1, 130),
    # quarters: means of up to eight of them are exact, so that both sides round alike
    st.integers(-4, 4).map(lambda quarters: quarters / 4),
)


@examples(max_examples=40, deadline=None)
@given(st.lists(SEGMENT, max_size=8), st.sampled_from(["hg19", "hg38"]), st.integers(-4, 4))
@example([("1", 0, 120, -1.0), ("1", 0, 120, -1.0), ("1", 0, 120, 0.75)], "hg19", 0)
def test_arm_loss_equals_counting_every_part_of_the_arm(
    parts: list[tuple[str, int, int, float]], build: str, shift: int
) -> None:
    """The oracle paints arrays of 0.1 Mb, and knows nothing of the ploidy that shifts all means."""
    unit = MB // 10
    level = shift / 4
    rows = [("TCGA-AA-0001-01A", "2", 0, 1000 * MB, level)]
    for chrom, start, length, mean in parts:
        end = min(start + length, LENGTHS[build][chrom] // MB)
        if end > start:
            rows.append(("TCGA-AA-0001-01A", chrom, start * MB, end * MB, mean + level))
    total = {c: np.zeros(LENGTHS[build][c] // unit) for c in ("1", "19")}
    count = {c: np.zeros(LENGTHS[build][c] // unit) for c in ("1", "19")}
    for _, chrom, start, end, mean in set(rows[1:]):  # an exact repeat counts once
        total[chrom][start // unit : end // unit] += mean - level
        count[chrom][start // unit : end // unit] += 1
    found = arm_losses(segments(rows), build, -0.2).iloc[0]
    middles = {c: CENTROMERES[build][c] // unit for c in ("1", "19")}
    arms = {
        "loss_1p": ("1", slice(0, middles["1"])),
        "loss_19q": ("19", slice(middles["19"], None)),
    }
    sizes = {"loss_1p": CENTROMERES[build]["1"]}
    sizes["loss_19q"] = LENGTHS[build]["19"] - CENTROMERES[build]["19"]
    for name, (chrom, arm) in arms.items():
        measured = count[chrom][arm] > 0
        if measured.sum() * unit < 0.5 * sizes[name]:
            assert pd.isna(found[name])
        else:
            means = total[chrom][arm][measured] / count[chrom][arm][measured]
            assert found[name] == pytest.approx((means < -0.2).mean(), abs=1e-9)
