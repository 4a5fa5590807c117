"""Proposals, windows and frames, on forgeries small enough to check by eye."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avsync.metrics import localisation
from avsync.metrics.localisation import Localised


def localised(proposed, forged) -> Localised:
    return Localised(
        np.array(proposed, float).reshape(-1, 3), np.array(forged, float).reshape(-1, 2)
    )


# By confidence: a hit (overlap 1), a duplicate of it (0.75), a false positive, a hit (0.8), a hit
# (0.6).
TWO_CLIPS = [
    localised([(0.9, 1.0, 2.0), (0.8, 1.1, 2.2), (0.3, 4.0, 4.6)], [(1.0, 2.0), (4.0, 5.0)]),
    localised([(0.7, 0.0, 0.5), (0.6, 3.0, 4.0)], [(3.2, 4.0)]),
]
FALSE_POSITIVE_FIRST = [
    localised([(0.9, 0.0, 1.0), (0.8, 2.0, 3.0)], [(2.0, 3.0)]),
    localised([(0.7, 0.0, 1.0)], []),
]
ALL_DETECTED = [
    localised([(0.9, 1.0, 2.0), (0.8, 4.0, 5.0)], [(1.0, 2.0), (4.0, 5.0)]),
    localised([(0.7, 3.2, 4.0)], [(3.2, 4.0)]),
]


# The output of ap_ar_1d of avdeepfake1m 0.0.4 on these proposals and true segments, with fps=1,
# these four thresholds, [5, 2, 1] proposals and thresholds 0.5 to 0.95 in steps of 0.05.
@pytest.mark.parametrize(
    ("clips", "precisions", "recalls"),
    [
        (TWO_CLIPS, (0.4, 0.1666667, 0.0, 0.0), (0.6, 0.5333334, 0.3333333)),
        (FALSE_POSITIVE_FIRST, (0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 0.0)),
        (ALL_DETECTED, (0.6666666, 0.6666666, 0.6666666, 0.6666666), (1.0, 1.0, 0.6666666)),
    ],
)
def test_segments_are_judged_as_by_av_deepfake1m(clips, precisions, recalls):
    found = localisation.average_precisions(clips)
    assert list(found) == [0.5, 0.75, 0.9, 0.95]
    assert tuple(found.values()) == pytest.approx(precisions, abs=1e-6)
    recalled = localisation.average_recalls(clips, num_proposals=(5, 2, 1))
    assert tuple(recalled.values()) == pytest.approx(recalls, abs=1e-6)


def test_the_complete_protocol_includes_the_first_hit():
    def complete(clips):
        return localisation.average_precisions(clips, overlaps=(0.5,), protocol="complete")[0.5]

    # Three segments, detected at ranks 1, 4 and 5 with precisions 1, 0.5 and 0.6; from rank 4 on
    # the best precision is 0.6.
    assert complete(TWO_CLIPS) == pytest.approx((1 + 0.6 + 0.6) / 3)
    assert complete(FALSE_POSITIVE_FIRST) == 0.5
    assert complete(ALL_DETECTED) == 1.0


def test_the_order_of_proposals_does_not_matter():
    turned = [Localised(clip.proposed[::-1], clip.forged) for clip in TWO_CLIPS]
    for metric in (localisation.average_precisions, localisation.average_recalls):
        assert metric(turned) == metric(TWO_CLIPS)


def test_an_overlap_of_exactly_the_threshold_is_not_enough():
    # Half of the first segment, three quarters of the second.
    clips = [
        localised([(1.0, 0.0, 0.5)], [(0.0, 1.0)]),
        localised([(0.9, 2.0, 2.75)], [(2.0, 3.0)]),
    ]
    found = localisation.average_precisions(clips, overlaps=(0.49, 0.5, 0.75), protocol="complete")
    assert found == {0.49: 1.0, 0.5: 0.25, 0.75: 0.0}


def test_a_clip_without_proposals_misses_all_its_segments():
    clips = [*ALL_DETECTED, localised([], [(0.0, 1.0)])]
    assert localisation.average_recalls(clips)[5] == pytest.approx(3 / 4)
    found = localisation.average_precisions(clips, overlaps=(0.5,), protocol="complete")
    assert found[0.5] == pytest.approx(3 / 4)


spans = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(
    lambda span: (span[0] / 25, (span[0] + span[1]) / 25)
)


# A deadline would measure the machine's load.
@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 9), spans), max_size=8), st.lists(spans, min_size=1))
def test_a_less_confident_proposal_costs_no_recall(proposed, forged):
    before = localised([(confidence, *span) for confidence, span in proposed], forged)
    after = before._replace(proposed=np.append(before.proposed, [[0.5, 0.0, 1.0]], axis=0))
    less, more = (localisation.average_recalls([clip]) for clip in (before, after))
    assert all(more[number] >= less[number] for number in less)
    assert all(less[few] <= less[many] for few, many in ((5, 10), (10, 50)))


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (localised([(1.0, 0.0, 1.0)], []), "none of the 1 clips has a forged segment"),
        (
            localised([(1.0, 2.0, 2.0)], [(0, 1)]),
            r"clip 0: a segment must start before it ends .* 2\.",
        ),
        (
            localised([(np.nan, 0.0, 1.0)], [(0, 1)]),
            "clip 0: .* and be finite; got .*nan",
        ),
        (localised([], [(1.0, 0.5)]), r"clip 0: .* got \[1\.  0\.5\]"),
    ],
)
def test_malformed_segments_are_refused(clip, message):
    for metric in (localisation.average_precisions, localisation.average_recalls):
        with pytest.raises(ValueError, match=message):
            metric([clip])


def test_a_mistyped_protocol_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'complete'"):
        localisation.average_precisions(TWO_CLIPS, protocol="compleat")


def test_a_frame_is_forged_if_its_middle_is():
    # Frames are 0.04 s: the middles of frames 1 and 2 are at 0.06 and 0.10 s.
    segment = np.array([[0.05, 0.11]])
    assert localisation.forged_frames(segment, num_frames=4).tolist() == [False, True, True, False]
    assert not localisation.forged_frames(np.zeros((0, 2)), num_frames=4).any()


def test_frames_of_all_clips_are_ranked_together():
    scores = [np.array([0.1, 0.9, 0.8, 0.2]), np.array([0.85, 0.0])]
    forged = [np.array([[0.05, 0.11]]), np.zeros((0, 2))]
    # Two forged frames against four others; only 0.8 below 0.85 is the wrong way round.
    assert localisation.frame_auc(scores, forged) == pytest.approx(7 / 8)
    with pytest.raises(ValueError, match="there is no fake clip"):
        localisation.frame_auc(scores[1:], forged[1:])


def test_the_best_window_lies_where_the_mean_is_highest():
    scores = np.array([0.0, 9.0, 0.0, 4.0, 6.0, 5.0, 0.0])
    window = localisation.best_window(scores, window_seconds=0.12)
    assert window == (3 / 25, 6 / 25)
    assert localisation.forged_share(window, np.array([[0.16, 0.4]])) == pytest.approx(2 / 3)
    assert localisation.forged_share(window, np.array([[0.0, 0.04]])) == 0.0
    assert localisation.best_window(np.ones(5), window_seconds=0.08) == (0.0, 0.08)


@pytest.mark.parametrize("window_seconds", [0.01, 0.2])
def test_a_window_has_at_least_a_frame_and_fits_the_clip(window_seconds):
    with pytest.raises(ValueError, match=r"at least one, and at most the 4 of the clip"):
        localisation.best_window(np.ones(4), window_seconds=window_seconds)


def test_windows_that_overlap_a_chosen_one_are_left_out():
    windows = np.array([[9, 0, 4], [8, 1, 5], [7, 2, 6], [6, 10, 14], [5, 0, 4]], float)
    # The second overlaps the first by 3/5. The third overlaps it by 2/6, and the second is no
    # reason to leave it out.
    assert localisation.least_overlapping(windows, 0.5, 9).tolist() == [0, 2, 3]
    assert localisation.least_overlapping(windows, 0.6, 9).tolist() == [0, 1, 2, 3]
    assert localisation.least_overlapping(windows, 0.5, 2).tolist() == [0, 2]
    assert localisation.least_overlapping(windows[:0], 0.5, 2).tolist() == []
