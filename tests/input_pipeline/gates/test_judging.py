"""The gates on a split with every fault that they look for."""

import pytest

from avsync.input_pipeline.contents import ClipFacts
from avsync.input_pipeline.gates import decisions, sync
from avsync.input_pipeline.gates.decisions import GateDecision
from avsync.input_pipeline.gates.judging import Gates, judge
from avsync.types import FAKE, REAL
from tests.input_pipeline.gates.conftest import make_clip, write_scores


def test_late_sound_small_faces_and_duplicates_are_found(faulty, scores):
    gates = Gates(sync="drop", sync_scores=scores, min_eye_distance_pixels=20.0, duplicates="drop")
    assert judge(faulty, gates) == [
        GateDecision(
            *(4, "late", "sync", "drop"),
            "its sound is 3 frames (0.12 s) late; it fits better there by 1.25 nats per frame",
        ),
        GateDecision(
            8, "twice", "duplicates", "drop", "its pixels and samples equal those of clip2"
        ),
        GateDecision(
            9, "small", "faces", "drop", "its eyes are 11.5 pixels apart in the raw video"
        ),
    ]


def test_open_gates_pass_every_clip(faulty):
    assert Gates().are_open()
    assert judge(faulty, Gates()) == []


def test_clips_that_differ_in_one_pixel_or_sample_are_not_duplicates(write):
    clip = make_clip("a", seed=0)
    frames, waveform = clip.frames.copy(), clip.waveform.copy()
    frames[5, 5, 5], waveform[-1] = 99, -1
    others = [
        clip.replace(clip_id="b", frames=frames),
        clip.replace(clip_id="c", waveform=waveform),
    ]
    source = write([clip, *others, clip.replace(clip_id="d")])
    decided = judge(source, Gates(duplicates="drop"))
    assert [decision.clip_id for decision in decided] == ["d"]


@pytest.mark.parametrize(
    ("label", "offset", "action"),
    [
        (REAL, (-5, 1.0), "shift"),
        (REAL, (-1, 1.0), None),  # within the tolerance
        (REAL, (-5, 0.1), None),  # margin too small
        (REAL, (None, None), None),  # could not be scored
        (FAKE, (-5, 1.0), None),  # its offset may be the manipulation
    ],
)
def test_only_real_clips_clearly_out_of_sync_are_found(label, offset, action):
    clips = [ClipFacts("clip", label, media={})]
    offsets = {"clip": sync.Offset(*offset)}
    decided = sync.judge(clips, offsets, tolerance_frames=1, min_margin=0.5, action="shift")
    assert [(f.action, f.late_frames) for f in decided] == ([(action, -5)] if action else [])


def test_a_corpus_is_shifted_by_the_offset_that_its_real_clips_share(faulty, tmp_path):
    offsets = {f"clip{i}": (3, 1.0) for i in range(30)} | {"odd": (-9, 2.0)}
    scores = write_scores(tmp_path / "scores.jsonl", **offsets)
    decided = judge(faulty, Gates(sync="shift_corpus", sync_scores=scores, duplicates="drop"))
    assert [(d.number, d.action, d.late_frames) for d in decided] == [
        (None, "shift_corpus", 3),
        (8, "drop", 0),
    ]
    line = decisions.describe(decided, num_clips=10)
    assert line == (
        "gates: 1 of 10 clips dropped, 0 shifted (duplicates: 1 drop); A/V offset of the corpus: "
        "3 frames (0.12 s late), 95% interval 3 to 3, n = 31 real clips, 97% of them within 1 "
        "frame; all sound is moved back by it"
    )
    edits = decisions.apply(decided, faulty).edits
    assert (edits.dropped, edits.late_frames, edits.corpus_late_frames) == ({8}, {}, 3)


def test_a_corpus_whose_offset_is_not_sure_stays_as_it_is_and_is_told(faulty, scores):
    decided = judge(faulty, Gates(sync="shift_corpus", sync_scores=scores))
    assert decisions.apply(decided, faulty).edits.corpus_late_frames == 0
    line = decisions.describe(decided, num_clips=10)
    assert line.endswith(
        "; A/V offset of the corpus: 0 frames, 95% interval 0 to 0, n = 10 real clips, 90% of them "
        "within 1 frame; not sure: only 10 real clips have an A/V offset, and 20 are needed; "
        "nothing is moved"
    )


def test_scores_of_another_split_are_refused(faulty, tmp_path):
    scores = write_scores(tmp_path / "scores.jsonl", clip0=(0, 0.0))
    with pytest.raises(ValueError, match=r"no line for clip clip1: .*the training split"):
        judge(faulty, Gates(sync="drop", sync_scores=scores))


def test_scores_without_margins_are_refused(faulty, tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text('{"clip_id": "clip0", "view": "original", "offset_frames": 0}\n')
    with pytest.raises(ValueError, match=r"is not a scores\.jsonl with offsets .*'offset_margin'"):
        judge(faulty, Gates(sync="drop", sync_scores=str(path)))


def test_clips_of_unknown_face_size_are_refused(write):
    clip = make_clip("untold", seed=0).replace(media={})
    with pytest.raises(ValueError, match=r"clip untold has no record of its eye distance"):
        judge(write([clip]), Gates(min_eye_distance_pixels=20.0))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (Gates(sync="dorp"), r"gates\.sync: 'dorp'; did you mean 'drop'\?"),
        (Gates(duplicates="shift"), r"gates\.duplicates: 'shift'\. Known: keep, drop"),
        (Gates(sync="shift"), r"is 'shift' but config\.data\.gates\.sync_scores is empty"),
    ],
)
def test_invalid_settings_name_their_field(faulty, gates, message):
    with pytest.raises(ValueError, match=message):
        judge(faulty, gates)


def test_decisions_are_written_counted_and_read_again(tmp_path):
    decided = [
        GateDecision(4, "late", "sync", "shift", "late", late_frames=3),
        GateDecision(8, "twice", "duplicates", "drop", "again"),
        GateDecision(8, "twice", "faces", "drop", "small"),
    ]
    settings = {"sync": "shift", "num_clips": 10}
    assert decisions.read(tmp_path, settings=settings) is None
    decisions.write(decided, tmp_path, settings=settings)
    assert decisions.read(tmp_path, settings=settings) == decided
    line = decisions.describe(decided, num_clips=10)
    assert line == (
        "gates: 1 of 10 clips dropped, 1 shifted (sync: 1 shift, duplicates: 1 drop, faces: 1 drop)"
    )
    with pytest.raises(ValueError, match=r"other data \(num_clips: 10 then, 11 now\).*--workdir"):
        decisions.read(tmp_path, settings={**settings, "num_clips": 11})


def test_gates_that_drop_every_clip_are_refused(faulty):
    decided = [GateDecision(i, str(i), "faces", "drop", "small") for i in range(10)]
    with pytest.raises(ValueError, match=r"drop all 10 clips \(faces: 10 drop\)"):
        decisions.apply(decided, faulty)
