"""A copy with its sound moved, on clips of flashes and clicks: no model is involved."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from avsync.repair.containers import CannotCopy
from avsync.repair.content import differences, read_content
from avsync.repair.remux import Moved, Request, move_sound
from tests.repair import flashes
from tests.repair.flashes import FORMS, Form, measured_seconds

SLOW = pytest.mark.slow

ATTACHED = Disposition.attached_pic

# A sample of AAC priming more or less, and the milliseconds of Matroska.
MAX_ERROR_SECONDS = 0.003


@pytest.fixture(
    scope="module",
    params=[
        "mp4",
        "mkv",
        "ts",
        *(pytest.param(f, marks=pytest.mark.slow) for f in ("mov", "webm")),
    ],
)
def late_and_early(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two clips in the same container whose sound is 0.22 s late, and 0.3 s early."""
    folder = tmp_path_factory.mktemp(request.param)
    form = FORMS[request.param]
    late = flashes.write(folder / f"late.{form.suffix}", form, late_seconds=0.22)
    return late, flashes.write(folder / f"early.{form.suffix}", form, late_seconds=-0.3)


def test_sound_that_is_late_or_early_clicks_with_its_flashes_after_the_move(
    late_and_early, tmp_path: Path
):
    for path, late_seconds in zip(late_and_early, (0.22, -0.3), strict=True):
        assert measured_seconds(path) == pytest.approx(late_seconds, abs=MAX_ERROR_SECONDS)
        out = tmp_path / path.name
        moved = move_sound(Request(path, out, None, late_seconds))
        assert measured_seconds(out) == pytest.approx(0, abs=MAX_ERROR_SECONDS)
        assert moved.tracks == (1,)
        assert moved.lost == ()


def test_packets_subtitles_chapters_and_tags_are_those_of_the_file(late_and_early, tmp_path: Path):
    for path in late_and_early:
        out = tmp_path / path.name
        moved = move_sound(Request(path, out, None, 0.22 if path.stem == "late" else -0.3))
        before, after = _listed(path), _listed(out)
        lead = round(1000 * moved.lead_seconds)
        for kind, (data, start) in before.streams.items():
            assert after.streams[kind][0] == data, kind
            if kind != "audio":
                assert after.streams[kind][1] == pytest.approx(start + lead, abs=1)
        assert len(after.streams["audio"][0]) > 1000
        assert after.tags == before.tags
        assert [(start - lead, title) for start, title in after.chapters] == before.chapters
        assert (path.suffix == ".ts") == (not before.chapters)
        assert ("subtitle" in before.streams) == (path.suffix != ".ts")


def test_a_track_of_the_same_length_moves_too_and_another_one_stays(tmp_path: Path):
    path = flashes.write(tmp_path / "two.mkv", FORMS["mkv"], late_seconds=0.21, num_tracks=3)
    cut = tmp_path / "cut.mkv"
    _copy_without_first_second_of_third_track(path, cut)
    out = tmp_path / "out.mkv"
    moved = move_sound(Request(cut, out, 2, 0.21))
    assert moved == Moved((2, 1), others=(3,), lead_seconds=0.21)
    starts = [
        stream.start_seconds for stream in read_content(out).streams if stream.kind == "audio"
    ]
    assert starts == pytest.approx([0, 0, 1.21], abs=0.03)


def test_a_part_that_an_edit_list_hides_stays_hidden(tmp_path: Path):
    """Moved twice: the first copy has an edit list, which the second one must not forget."""
    path = flashes.write(tmp_path / "late.mp4", FORMS["mp4"], late_seconds=0.4)
    for name in ("once.mp4", "twice.mp4"):
        move_sound(Request(path, tmp_path / name, None, 0.2))
        path = tmp_path / name
    assert measured_seconds(path) == pytest.approx(0, abs=MAX_ERROR_SECONDS)
    with av.open(str(path)) as container:
        assert container.streams.video[0].start_time == 0
        assert container.streams.audio[0].start_time == 0


def test_a_cover_a_rotation_and_a_codec_tag_survive(tmp_path: Path):
    for suffix in ("mp4", "mkv"):
        path = write_with_cover(tmp_path / f"cover.{suffix}")
        out = tmp_path / f"out.{suffix}"
        move_sound(Request(path, out, None, 0.1))
        with av.open(str(out)) as container:
            covers = [s for s in container.streams.video if s.disposition & ATTACHED]
            assert [cover.codec_context.name for cover in covers] == ["png"]
            frame = next(container.decode(video=0))
            assert frame.rotation == -90
            if suffix == "mp4":
                assert container.streams.video[0].codec_context.codec_tag == "hev1"


def test_tags_that_mp4_does_not_know_are_written_too(tmp_path: Path):
    path = tmp_path / "tags.mp4"
    options = {"movflags": "use_metadata_tags"}
    with (
        av.open(str(flashes.write(tmp_path / "plain.mp4", FORMS["mp4"]))) as plain,
        av.open(str(path), "w", options=options) as out,
    ):
        stream = {s: out.add_stream_from_template(s, opaque=True) for s in list(plain.streams)[:2]}
        out.metadata["com.example.camera"] = "seven"
        for packet in plain.demux(*stream):
            if packet.size:
                packet.stream = stream[packet.stream]
                out.mux(packet)
    moved = move_sound(Request(path, tmp_path / "out.mp4", None, 0.1))
    assert moved.lost == ()
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["com.example.camera"] == "seven"
        assert "major_brand" in container.metadata


def test_a_container_without_presentation_times_is_refused_and_the_way_out_is_said(tmp_path: Path):
    path = flashes.write(tmp_path / "clip.avi", Form("avi", "mpeg4", "mp2"))
    with pytest.raises(CannotCopy, match=r"cannot be moved in this container \(avi\), only in MP4"):
        move_sound(Request(path, tmp_path / "out.avi", None, 0.1))


def test_a_copy_that_differs_in_data_times_or_kind_is_noticed(tmp_path: Path):
    path = flashes.write(tmp_path / "clip.mkv", FORMS["mkv"])
    video, sound, subtitle = read_content(path).streams[:3]
    streams, still = [video, sound, subtitle], [0.0] * 3
    assert differences(streams, streams, later=still) == []
    assert differences(streams, streams[:2], later=still) == ["it has 2 streams instead of 3"]
    assert differences(streams, streams, later=[0.0, 0.1, 0.0]) == [
        "its times differ by up to 0.100 s"
    ]
    late = [s._replace(times=s.times + 0.5) for s in streams]
    assert differences(streams, late, later=still) == []
    uneven = sound._replace(times=sound.times + np.linspace(0, 0.02, len(sound.times)))
    assert "0.020 s" in differences(streams, [video, uneven, subtitle], later=still)[0]
    other = sound._replace(digest="0")
    assert differences(streams, [video, other, subtitle], later=still) == [
        "stream 1 (audio) has other data"
    ]
    narrow = video._replace(parameters={**video.parameters, "width": 32})
    (found,) = differences(streams, [narrow, sound, subtitle], later=still)
    assert found == "stream 0 (video): width 64 becomes 32"


class _Listed:
    """A file read by PyAV alone: the data and start in ms of each kind of stream, and the tags."""

    def __init__(self, path: Path):
        # With all that an edit list hides.
        with av.open(str(path), options={"ignore_editlist": "1"}) as container:
            data = {s.index: b"" for s in container.streams}
            for packet in container.demux():
                data[packet.stream.index] += bytes(packet)
        with av.open(str(path)) as container:
            starts = {s.index: float("inf") for s in container.streams}
            for packet in container.demux():
                if packet.pts is not None:
                    start = 1000 * float(packet.pts * packet.time_base)
                    starts[packet.stream.index] = min(start, starts[packet.stream.index])
            self.streams = {
                s.type: (data[s.index], starts[s.index])
                for s in container.streams
                if s.type != "data"  # FFmpeg makes a track of the chapters
            }
            self.tags = {
                "title": container.metadata.get("title"),
                "language": container.streams.audio[0].metadata.get("language"),
            }
            self.chapters = [
                (round(c["start"] * c["time_base"] * 1000), c["metadata"]["title"])
                for c in container.chapters()
            ]


def _listed(path: Path) -> _Listed:
    return _Listed(path)


def _copy_without_first_second_of_third_track(path: Path, out_path: Path) -> None:
    with av.open(str(path)) as source, av.open(str(out_path), "w") as out:
        chosen = [s for s in source.streams if s.type in ("video", "audio")]
        streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in chosen}
        for packet in source.demux(*chosen):
            if packet.size and (packet.stream.index < 3 or packet.pts >= 1000):
                packet.stream = streams[packet.stream.index]
                out.mux(packet)


def write_with_cover(path: Path) -> Path:
    cover = av.open(str(path.with_suffix(".png")), "w", format="image2")
    with cover:
        picture = cover.add_stream("png")
        picture.width = picture.height = 64
        picture.pix_fmt = "rgb24"
        cover.mux(picture.encode(flashes.pictures()[0].reformat(format="rgb24")))
    png = path.with_suffix(".png").read_bytes()
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        video.width = video.height = 64
        video.set_display_rotation(-90)
        sound = out.add_stream("mp2", rate=48_000)
        if path.suffix == ".mkv":
            out.add_attachment("cover.png", "image/png", png)
        else:
            still = out.add_mux_stream("png", width=64, height=64)
            still.disposition = ATTACHED
        for frame in flashes.pictures()[:25]:
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        out.mux(flashes.encode_sound(sound, flashes.clicks(0)[:48_000]))
        if path.suffix == ".mp4":
            packet = av.Packet(png)
            packet.stream, packet.pts, packet.dts = still, 0, 0
            packet.time_base = Fraction(1, 25)
            out.mux(packet)
    return path
