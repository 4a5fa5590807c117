"""The numbers of tests.benchmarks.strangers, on lines written by hand and on a few clips."""

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.evaluation.lines import Line
from avsync.input_pipeline.clips import read_clips
from tests.benchmarks import strangers
from tests.benchmarks.strangers import PLACED, PLACES, Fake


def line(score: float, *, offset: int | None = 0, status: str = "ok") -> Line:
    return Line(
        clip_id="", view="trimmed", label=0, category="RV-RA", manipulation="", identity="",
        source_clip="", fake_segments=(), attributes={}, num_frames=75, offset_frames=offset,
        offset_margin=1.0, status=status, message="", scores={"alignment": score}, poolings={},
    )  # fmt: skip


def of_two_clips(swap_scores: tuple[float, float]) -> list[tuple[Fake, Line]]:
    swaps = zip((Fake("swap", 0, 1), Fake("swap", 1, 0)), map(line, swap_scores), strict=True)
    placed = [(Fake(kind, i, 1 - i), line(9.0)) for kind in PLACED for i in (0, 1)]
    return [(Fake("real", 0, 0), line(1.0)), (Fake("real", 1, 1), line(2.0)), *swaps, *placed]


def measured(judged: list[tuple[Fake, Line]]) -> dict[str, float]:
    moved = [(Fake("moved", 0, 0, 4), line(5.0, offset=3)), (Fake("moved", 1, 1, -4), line(5.0))]
    fakes, lines = zip(*judged, *moved, strict=True)
    return strangers.measure(list(fakes), list(lines), num_clips=2)


def test_swaps_that_win_two_of_four_comparisons_and_tie_in_one_have_an_auc_of_five_eighths():
    numbers = measured(of_two_clips((9.0, 1.0)))
    # 9 beats 1 and 2; 1 ties with 1 and loses to 2: 2.5 of 4.
    assert numbers["swap"] == pytest.approx(2.5 / 4)
    assert [numbers[kind] for kind in PLACED] == [1.0] * 3
    # A swap is there only if both clips are drawn, so each resample of it is the test set.
    assert numbers["swap_low"] == numbers["swap_high"] == numbers["swap"]


def test_an_offset_counts_as_found_within_a_frame_of_the_sound_that_was_moved():
    numbers = measured(of_two_clips((9.0, 9.0)))
    assert (numbers["moved_within_1"], numbers["moved_exact"]) == (0.5, 0.0)
    assert (numbers["real_within_1"], numbers["real_exact"]) == (1.0, 1.0)


def test_clips_that_are_not_judged_and_offsets_that_are_not_measured_are_left_out_and_counted():
    judged = of_two_clips((9.0, 9.0))
    more = [
        (Fake("splice_0.8s", 0, 1), line(float("nan"), status="too_short")),
        (Fake("moved", 0, 0, 2), line(5.0, offset=None)),
    ]
    numbers = measured([*judged, *more])
    assert (numbers["num_left_out"], numbers["num_unmeasured"]) == (1, 1)
    plain = measured(judged)
    assert numbers["moved_within_1"] == plain["moved_within_1"]
    assert numbers["splice_0.8s"] == plain["splice_0.8s"]


def test_the_row_of_several_checkpoints_has_their_mean_and_their_range():
    rows = {
        name: measured(of_two_clips(scores))
        for name, scores in (("a", (9.0, 1.0)), ("b", (9.0, 9.0)))
    }
    *_, last = strangers.table(rows)
    assert last.split(" | ")[:2] == ["| mean (range)", "0.812 (0.625 to 1.000)"]


def test_every_clip_gets_the_sound_of_each_other_one(tiny_data):
    source = open_source("synthetic_talkers/tiny", "test", data_dir=str(tiny_data))
    clips = [clip for clip in read_clips(source, range(source.num_clips)) if not clip.label][:3]
    made = list(strangers.plan(clips, seed=0))
    pairs = [(fake.clip, fake.donor) for fake, _ in made if fake.kind == "swap"]
    assert sorted(pairs) == [(i, j) for i in range(3) for j in range(3) if i != j]
    for fake, clip in made:
        if fake.kind == "swap":
            donor = clips[fake.donor].waveform[: len(clip.waveform)]
            np.testing.assert_array_equal(clip.waveform, donor)
    assert sum(fake.kind == "freeze_0.8s" for fake, _ in made) <= 3 * PLACES
    assert {fake.offset for fake, _ in made if fake.kind == "moved"} == {*range(-10, 11)} - {0}
