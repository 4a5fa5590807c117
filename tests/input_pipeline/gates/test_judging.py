"""What the gates find in a split in which everything is wrong that they look for."""

import pytest

from avsync.input_pipeline.contents import ClipFacts
from avsync.input_pipeline.gates import findings, sync
from avsync.input_pipeline.gates.findings import Finding
from avsync.input_pipeline.gates.judging import Gates, judge
from avsync.types import FAKE, REAL
from tests.input_pipeline.gates.conftest import make_clip, write_scores


def test_a_late_clip_a_small_face_and_a_clip_under_two_names_are_found(faulty, scores):
    gates = Gates(sync="drop", sync_scores=scores, min_eye_distance_pixels=20.0, duplicates="drop")
    assert judge(faulty, gates) == [
        Finding(
            *(4, "late", "sync", "drop"),
            "its sound is 3 frames (0.12 s) late, where it fits better by 1.25 nats a frame",
        ),
        Finding(8, "twice", "duplicates", "drop", "its pixels and samples are those of clip2"),
        Finding(9, "small", "faces", "drop", "its eyes are 11.5 pixels apart in the raw video"),
    ]


def test_open_gates_find_nothing(faulty):
    assert Gates().are_open()
    assert judge(faulty, Gates()) == []


def test_one_pixel_or_one_sample_makes_another_clip(write):
    clip = make_clip("a", seed=0)
    frames, waveform = clip.frames.copy(), clip.waveform.copy()
    frames[5, 5, 5], waveform[-1] = 99, -1
    others = [
        clip.replace(clip_id="b", frames=frames),
        clip.replace(clip_id="c", waveform=waveform),
    ]
    source = write([clip, *others, clip.replace(clip_id="d")])
    found = judge(source, Gates(duplicates="drop"))
    assert [finding.clip_id for finding in found] == ["d"]


@pytest.mark.parametrize(
    ("label", "offset", "action"),
    [
        (REAL, (-5, 1.0), "shift"),
        (REAL, (-1, 1.0), None),  # within the tolerance
        (REAL, (-5, 0.1), None),  # not sure enough
        (REAL, (None, None), None),  # could not be scored
        (FAKE, (-5, 1.0), None),  # that may be what is fake about it
    ],
)
def test_a_real_that_is_surely_out_of_sync_is_found_and_nothing_else(label, offset, action):
    clips = [ClipFacts("clip", label, media={})]
    offsets = {"clip": sync.Offset(*offset)}
    found = sync.judge(clips, offsets, tolerance_frames=1, min_margin=0.5, action="shift")
    assert [(f.action, f.late_frames) for f in found] == ([(action, -5)] if action else [])


def test_scores_of_another_split_are_refused(faulty, tmp_path):
    scores = write_scores(tmp_path / "scores.jsonl", clip0=(0, 0.0))
    with pytest.raises(ValueError, match=r"no line for clip clip1: .*the split that is trained on"):
        judge(faulty, Gates(sync="drop", sync_scores=scores))


def test_scores_without_margins_are_refused(faulty, tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text('{"clip_id": "clip0", "view": "original", "offset_frames": 0}\n')
    with pytest.raises(ValueError, match=r"is no scores\.jsonl with offsets .*'offset_margin'"):
        judge(faulty, Gates(sync="drop", sync_scores=str(path)))


def test_clips_that_do_not_tell_the_size_of_their_face_are_refused(write):
    clip = make_clip("untold", seed=0).replace(media={})
    with pytest.raises(ValueError, match=r"clip untold does not tell how large its face was"):
        judge(write([clip]), Gates(min_eye_distance_pixels=20.0))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (Gates(sync="dorp"), r"gates\.sync: 'dorp'; did you mean 'drop'\?"),
        (Gates(duplicates="shift"), r"gates\.duplicates: 'shift'\. Known: keep, drop"),
        (Gates(sync="shift"), r"is 'shift', which goes by .* name it as config\.data\.gates"),
    ],
)
def test_gates_that_cannot_be_set_so_name_their_field(faulty, gates, message):
    with pytest.raises(ValueError, match=message):
        judge(faulty, gates)


def test_what_was_found_is_written_counted_and_read_again(tmp_path):
    found = [
        Finding(4, "late", "sync", "shift", "late", late_frames=3),
        Finding(8, "twice", "duplicates", "drop", "again"),
        Finding(8, "twice", "faces", "drop", "small"),
    ]
    settings = {"sync": "shift", "num_clips": 10}
    assert findings.read(tmp_path, settings=settings) is None
    findings.write(found, tmp_path, settings=settings)
    assert findings.read(tmp_path, settings=settings) == found
    line = findings.describe(found, num_clips=10)
    assert line == (
        "gates: 1 of 10 clips left out, 1 moved (sync: 1 shift, duplicates: 1 drop, faces: 1 drop)"
    )
    with pytest.raises(ValueError, match=r"other data \(num_clips: 10 then, 11 now\).*--workdir"):
        findings.read(tmp_path, settings={**settings, "num_clips": 11})


def test_gates_that_leave_nothing_are_refused(faulty):
    found = [Finding(i, str(i), "faces", "drop", "small") for i in range(10)]
    with pytest.raises(ValueError, match=r"leave none of 10 clips \(faces: 10 drop\)"):
        findings.apply(found, faulty)
