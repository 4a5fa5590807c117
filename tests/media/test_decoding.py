"""What is damaged costs its own frames and samples; the rest stays where it was."""

from fractions import Fraction

import av
import numpy as np
import pytest

from avsync.media.read_options import ReadOptions
from avsync.media.rejects import Reject
from avsync.media.remarks import remarks
from tests.media import field_pictures
from tests.media.test_decode import click, clock, heard_seconds, shown_seconds
from tests.media.whole_files import STRICT, decode

TIMES = np.arange(75) / 25


@pytest.fixture
def clip(write_media):
    """A clock of 3 s with a click at 2 s."""
    return write_media(frames=clock(TIMES), times=TIMES, sound=[(0, click(3, 16_000, at=2))])


def rewritten(path, change, *, name="changed.mkv"):
    """A copy of the file, each packet of which is what `change(index, stream, data)` returns."""
    changed = path.with_name(name)
    with av.open(str(path)) as source, av.open(str(changed), "w") as target:
        streams = {s: target.add_stream_from_template(s) for s in source.streams}
        counts = dict.fromkeys(source.streams, 0)
        for packet in source.demux():
            if not packet.size:
                continue
            data = change(counts[packet.stream], packet.stream.type, bytes(packet))
            counts[packet.stream] += 1
            if data is None:
                continue
            copy = av.Packet(data)
            copy.stream, copy.is_keyframe = streams[packet.stream], packet.is_keyframe
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base = Fraction(packet.time_base)
            target.mux(copy)
    return changed


def test_packets_that_cannot_be_decoded_cost_their_own_frames(clip):
    def damage(index, stream, data):
        return b"\x00" * 8 if stream == "video" and index in (10, 40, 41) else data

    whole = decode(rewritten(clip, damage))
    assert len(whole.frames) == 75
    assert whole.facts["num_frames_lost"] == 3
    assert "3 video frames cannot be decoded" in remarks(whole.facts)
    # What the decoder makes of a damaged frame may be shown until the next key frame.
    kept = [index for index in range(75) if index not in (10, 11, 12, 40, 41, 42)]
    np.testing.assert_allclose(shown_seconds(whole.frames)[kept], TIMES[kept], atol=0.045)
    assert heard_seconds(whole.waveform) == pytest.approx(2, abs=1e-3)


def test_the_two_fields_of_a_frame_are_one_frame(tmp_path):
    path = tmp_path / "camcorder.mts"
    levels = [40 + 2 * index for index in range(75)]
    sound = (30_000 * click(3, 48_000, at=2)[0]).astype(np.int16)
    field_pictures.write(path, levels, sound, sample_rate=48_000)
    whole = decode(path)
    assert whole.facts["num_frames_lost"] == 0
    shown = whole.frames.mean((1, 2)) * 219 / 255 + 16  # decoded to the full range
    np.testing.assert_allclose(shown, levels[: len(shown)], atol=1)
    assert len(shown) == pytest.approx(75, abs=1)
    assert heard_seconds(whole.waveform) == pytest.approx(2, abs=0.02)


def test_a_file_is_rejected_by_the_share_of_its_frames_that_is_lost(clip):
    path = rewritten(clip, lambda i, kind, data: b"\0" * 8 if kind == "video" and i % 2 else data)
    assert decode(path, ReadOptions(max_lost_share=0.5)).facts["num_frames_lost"] == 37
    with pytest.raises(Reject, match="damaged: 37 of 75 frames cannot be decoded; at most 10%"):
        decode(path, ReadOptions(max_lost_share=0.1))


def test_sound_that_is_missing_is_silence_and_the_rest_stays_in_place(clip):
    path = rewritten(clip, lambda i, kind, data: None if kind == "audio" and 20 <= i < 30 else data)
    whole = decode(path)
    assert whole.facts["filled_gap_seconds"] == pytest.approx(0.2, abs=0.01)
    assert heard_seconds(whole.waveform) == pytest.approx(2, abs=1e-3)


def test_a_file_that_ends_early_is_read_as_far_as_it_goes(clip):
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    whole = decode(clip, ReadOptions())
    seconds = len(whole.frames) / 25
    assert 1 <= seconds < 2.5
    assert whole.facts["seconds_missing"] == pytest.approx(3 - seconds, abs=0.1)
    assert remarks(whole.facts)[0].startswith("the file is cut off: it ends at ")
    with pytest.raises(Reject, match=r"incomplete: the file ends at .* of 3\.00 s; at most 10%"):
        decode(clip, STRICT._replace(max_lost_share=0.1))
    clip.write_bytes(content[: len(content) // 4])
    with pytest.raises(Reject, match=r"too_short: .*; the file is cut off: it ends at "):
        decode(clip, ReadOptions())


def write_tracks(path, *sounds, default):
    """A file with several sound tracks, of which number `default` (from 1) is the default."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("ffv1", rate=25, width=64, height=48, pix_fmt="gray")
        tracks = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in sounds]
        for number, track in enumerate(tracks, start=1):
            track.disposition = av.stream.Disposition(number == default)
        for pixels in clock(TIMES):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="gray")))
        for track, sound in zip(tracks, sounds, strict=True):
            samples = np.round(sound * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            frame.time_base = Fraction(1, 16_000)
            container.mux([*track.encode(frame), *track.encode(None)])
        container.mux(picture.encode(None))
    return path


@pytest.mark.parametrize(("default", "asked", "used"), [(2, None, 2), (1, None, 1), (2, 1, 1)])
def test_the_default_track_is_used_unless_another_is_asked_for(tmp_path, default, asked, used):
    sounds = (click(3, 16_000, at=1), click(3, 16_000, at=2))
    path = write_tracks(tmp_path / "dub.mkv", *sounds, default=default)
    whole = decode(path, ReadOptions(audio_track=asked))
    assert heard_seconds(whole.waveform) == pytest.approx(used, abs=1e-3)
    assert whole.facts["num_audio_tracks"] == 2
    assert remarks(whole.facts) == [
        f"2 sound tracks: number {used} is used (--audio_track chooses)"
    ]


def test_a_track_that_is_not_there_is_rejected(clip):
    with pytest.raises(Reject, match="no_audio: audio track 2 was asked for; there are 1"):
        decode(clip, ReadOptions(audio_track=2))
