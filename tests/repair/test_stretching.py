"""A copy with its picture stretched to sound that drifts, on flashes and clicks: no model."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from avsync.repair.containers import CannotCopy
from avsync.repair.content import read_content
from avsync.repair.remux import Moved, Request, move_sound
from avsync.repair.retiming import TICK, Retiming
from tests.repair import flashes
from tests.repair.flashes import FORMS
from tests.repair.test_remux import write_with_cover

# Of the clicks: a sample of AAC priming more or less, and the milliseconds of Matroska.
MAX_ERROR_SECONDS = 0.003

# 12 s.
NUM_TURNS = 4


def line(path: Path) -> tuple[float, float]:
    """How late the sound is at the first picture, and at which rate it gets later."""
    times, late = flashes.delays(path)
    rate, start = np.polyfit(times - start_of(path, "video"), late, 1)
    assert np.abs(late - start - rate * (times - start_of(path, "video"))).max() < 0.003
    return float(start), float(rate)


def start_of(path: Path, kind: str) -> float:
    with av.open(str(path)) as container:
        (stream,) = [s for s in container.streams if s.type == kind]
        return float(stream.start_time * stream.time_base)


@pytest.mark.parametrize("rate", [0.01, -0.02])
@pytest.mark.parametrize(
    "name",
    ["mp4", "mkv", "ts", *(pytest.param(n, marks=pytest.mark.slow) for n in ("mov", "webm"))],
)
def test_sound_that_drifts_clicks_with_its_flashes_in_the_copy(name, rate, tmp_path: Path):
    form = FORMS[name]
    path, out = tmp_path / f"drifts.{form.suffix}", tmp_path / f"out.{form.suffix}"
    flashes.write(path, form, late_seconds=0.1, rate=rate, num_turns=NUM_TURNS)
    start, found = line(path)
    assert (start, found) == pytest.approx((0.1, rate), abs=MAX_ERROR_SECONDS)
    moved = move_sound(Request(path, out, None, 0.1, rate))
    assert moved.tracks == (1,)
    start, found = line(out)
    assert start == pytest.approx(0, abs=MAX_ERROR_SECONDS)
    assert found == pytest.approx(0, abs=2e-4)
    require_stretched(path, out, rate=rate, lead=moved.lead_seconds)


def require_stretched(source: Path, copy: Path, *, rate: float, lead: float) -> None:
    """All packets are those of the source; those of the sound last as long as there."""
    before, after = read_content(source), read_content(copy)
    (video,) = [s for s in before.streams if s.kind == "video"]
    fixed = video.start_seconds
    for old, new in zip(before.streams, after.streams, strict=False):
        assert (old.kind, old.digest, old.num_bytes) == (new.kind, new.digest, new.num_bytes)
        _, first, second = np.intersect1d(old.positions, new.positions, return_indices=True)
        times, found = old.times[first], new.times[second]
        if old.kind == "audio":
            assert np.ptp(found - times) < 0.002
        elif old.kind in ("video", "subtitle"):
            expected = times + lead + rate * (times - fixed)
            assert found == pytest.approx(expected, abs=0.0011)
    assert [title for _, title in before.chapters] == [title for _, title in after.chapters]
    for (old, _), (new, _) in zip(before.chapters, after.chapters, strict=True):
        assert new == pytest.approx(old + lead + rate * (old - fixed), abs=0.0011)


@pytest.mark.parametrize("name", ["mp4", "mkv"])
def test_pictures_at_uneven_times_keep_their_share_of_the_time(name, tmp_path: Path):
    rng = np.random.default_rng(0)
    steps = rng.integers(15, 65, NUM_TURNS * flashes.NUM_FRAMES)
    times = np.cumsum(steps) / 1000
    path, out = tmp_path / f"uneven.{name}", tmp_path / f"out.{name}"
    flashes.write(path, FORMS[name], num_turns=NUM_TURNS, times=(times - times[0]).tolist())
    move_sound(Request(path, out, None, 0.0, 0.005))
    require_stretched(path, out, rate=0.005, lead=0.0)
    old, new = shown(path), shown(out)
    assert new == pytest.approx(old * 1.005, abs=0.0011)
    assert np.ptp(np.diff(old)) > 0.04


def shown(path: Path) -> np.ndarray:
    """The times of the decoded pictures, in the order in which they are shown."""
    with av.open(str(path)) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert times == sorted(times)
    return np.array(times)


def test_what_an_edit_list_hides_stays_hidden_when_the_picture_is_stretched(tmp_path: Path):
    path = flashes.write(
        tmp_path / "late.mp4", FORMS["mp4"], late_seconds=0.4, rate=0.01, num_turns=NUM_TURNS
    )
    move_sound(Request(path, tmp_path / "once.mp4", None, 0.4))
    move_sound(Request(tmp_path / "once.mp4", tmp_path / "twice.mp4", None, 0.0, 0.01))
    assert line(tmp_path / "twice.mp4") == pytest.approx((0, 0), abs=MAX_ERROR_SECONDS)
    assert [start_of(tmp_path / "twice.mp4", kind) for kind in ("video", "audio")] == [0, 0]


def test_a_file_that_counts_in_frames_is_stretched_by_less_than_a_frame(tmp_path: Path):
    """A time base of a 25th of a second could not say where a picture of 40.04 ms begins."""
    move = Retiming(Fraction(0), Fraction(1, 1000))
    packet = av.Packet(b"x")
    packet.pts, packet.dts, packet.duration = 100, 99, 1
    packet.time_base = Fraction(1, 25)
    move.change(packet)
    assert packet.time_base == TICK
    assert (packet.pts, packet.dts, packet.duration) == (360_360, 356_756, 3604)


def test_sound_of_the_picture_that_is_not_the_one_that_drifts_forbids_a_stretch(tmp_path: Path):
    path = flashes.write(tmp_path / "two.mkv", FORMS["mkv"], num_tracks=2, num_turns=NUM_TURNS)
    cut = tmp_path / "cut.mkv"
    with av.open(str(path)) as source, av.open(str(cut), "w") as out:
        chosen = [s for s in source.streams if s.type in ("video", "audio")]
        streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in chosen}
        for packet in source.demux(*chosen):
            if packet.size and (packet.stream.index < 2 or packet.pts >= 1000):
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    moved = move_sound(Request(path, tmp_path / "both.mkv", 1, 0.0, 0.001))
    assert moved == Moved((1, 2))
    with pytest.raises(CannotCopy, match="sound track 2 begins or ends elsewhere"):
        move_sound(Request(cut, tmp_path / "out.mkv", 1, 0.0, 0.001))


def test_b_frames_that_begin_seconds_behind_the_sound_are_copied(tmp_path: Path):
    # The muxer holds 10 s of sound back for a picture to come, and then writes what is before.
    path = flashes.write(tmp_path / "drifts.mkv", FORMS["mkv"], rate=0.01, num_turns=8)
    with av.open(str(path)) as source:
        packets = [packet for packet in source.demux(video=0, audio=0) if packet.size]
        with av.open(str(tmp_path / "apart.mkv"), "w") as out:
            streams = {
                s: out.add_stream_from_template(s, opaque=True) for s in list(source.streams)[:2]
            }
            for packet in sorted(packets, key=lambda packet: -packet.stream.index):
                packet.stream = streams[packet.stream]
                out.mux(packet)
    with av.open(str(tmp_path / "apart.mkv")) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    assert kinds.index("video") > 400
    for stretch in (0.0, 0.01):
        copy = tmp_path / f"{stretch}.mkv"
        move_sound(Request(tmp_path / "apart.mkv", copy, None, 0.0, stretch))
        assert shown(copy) == pytest.approx(shown(path) * (1 + stretch), abs=0.0011)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_cover_a_rotation_and_tags_survive_a_stretch(suffix, tmp_path: Path):
    path, out = write_with_cover(tmp_path / f"cover.{suffix}"), tmp_path / f"out.{suffix}"
    assert move_sound(Request(path, out, None, 0.0, 0.01)).lost == ()
    with av.open(str(out)) as container:
        covers = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
        assert [cover.codec_context.name for cover in covers] == ["png"]
        assert next(container.decode(video=0)).rotation == -90
    path, out = tmp_path / f"plain.{suffix}", tmp_path / f"plain_out.{suffix}"
    flashes.write(path, FORMS[suffix], num_turns=NUM_TURNS)
    assert move_sound(Request(path, out, None, 0.0, 0.01)).lost == ()
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "Flashes"
        assert container.streams.audio[0].metadata["language"] == "eng"
