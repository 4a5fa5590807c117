"""The data card: its counts, estimates from samples, and both of its formats."""

import json
import re
from pathlib import Path

import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import whole_clips
from avsync.input_pipeline.sampling import ClipSample, draw_indices, read_samples
from avsync.media.rejects import REASONS
from avsync.reports.card import page, tables
from avsync.reports.card.card import markdown
from avsync.reports.card.contents import Contents, SplitContents, read_contents

DATASET = "synthetic_talkers/tiny"

WORDS = {"title": "talkers", "description": "Talkers, some of `them` & <others>."}


def sample_clip(
    clip_id: str, *, label: int = 0, silence: float = 0.0, codec: str = "h264"
) -> ClipSample:
    return ClipSample(
        clip_id=clip_id,
        identity=f"talker {clip_id}",
        category="RV-FA" if label else "RV-RA",
        manipulation="swap" if label else "real",
        label=label,
        seconds=3.0,
        leading_silence_seconds=silence,
        media={
            "video_codec": codec,
            "width_pixels": 640,
            "height_pixels": 360,
            "video_frames_per_second": 29.97,
            "eye_distance_pixels": 70.0,
        },
        pictures=(b"png",),
    )


@pytest.fixture
def contents() -> Contents:
    """A train split with two of four clips sampled, and a test split with all clips."""
    reals = [sample_clip("a"), sample_clip("b", codec="vp9")]
    fakes = [sample_clip("c"), sample_clip("d", label=1, silence=0.04)]
    splits = [SplitContents("train", 4, True, reals), SplitContents("test", 2, False, fakes)]
    return Contents(splits, max_clips=2)


def test_split_sizes_are_exact_and_estimates_are_marked(contents):
    train, test = tables.splits(contents).groups[""]
    assert train == ["train", "4", "≈4", "≈0", "≈0.00", "3.00, 3.00 to 3.00", "≥2", "yes"]
    assert test == ["test", "2", "1", "1", "0.00", "3.00, 3.00 to 3.00", "2", ""]
    assert tables.headline(contents) == (
        "6 clips in 2 splits, about 0.01 hours: about 5 real and about 1 fake."
    )


def test_clips_are_counted_by_kind_and_split(contents):
    groups = tables.clips(contents).groups
    assert groups["By category"] == [["RV-RA", "≈4", "1", "≈5"], ["RV-FA", "", "1", "≈1"]]
    assert groups["By manipulation"] == [["real", "≈4", "1", "≈5"], ["swap", "", "1", "≈1"]]


def test_silence_is_listed_by_class(contents):
    groups = tables.silence(contents).groups
    assert groups["train"] == [["real", "100%", "0.000", "0.000", "0.000"]]
    assert groups["test"][1] == ["fake", "0%", "0.040", "0.040", "0.040"]


def test_formats_of_sources_are_counted_by_class(contents):
    groups = tables.sources(contents).groups
    assert groups["Video"] == [
        ["h264, 640 x 360, 29.97 fps", "≈3", "≈1"],
        ["vp9, 640 x 360, 29.97 fps", "≈2", "≈0"],
    ]
    assert groups["Eye distance"] == [["64 to 128 pixels", "≈5", "≈1"]]
    assert "Audio" not in groups  # unknown for all clips


def test_rejects_are_counted_by_reason_with_examples():
    lines = [
        {"clip_id": str(i), "path": f"{i}.mp4", "reason": reason, "detail": "seen in 3 of 75"}
        for i, reason in enumerate(["face_lost", "no_audio", "face_lost", "face_lost"])
    ]
    (lost, silent) = tables.rejects(lines).groups[""]
    assert lost[0] == f"face_lost: {REASONS['face_lost']}"
    assert lost[1:] == ["3", "0.mp4 (seen in 3 of 75); 2.mp4 (seen in 3 of 75)"]
    assert silent[1] == "1"
    assert tables.rejects([]).groups == {}


def test_the_markdown_has_every_table_and_escapes_cells(contents):
    lines = [{"clip_id": "x", "path": "a|b.mp4", "reason": "no_face", "detail": "two\nlines"}]
    shown = [tables.splits(contents), tables.rejects(lines), tables.rejects([])]
    text = markdown(contents, shown, **WORDS)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert "| Reason | Files | Examples |" in rows
    assert rows[-1] == f"| no_face: {REASONS['no_face']} | 1 | a&#124;b.mp4 (two lines) |"
    assert text.endswith("## Rejects\n\nnone\n")


def test_the_page_is_self_contained_and_escapes_text(contents):
    shown = [tables.splits(contents), tables.silence(contents), tables.sources(contents)]
    text = page.render(contents, shown, **WORDS)
    assert "some of <code>them</code> &amp; &lt;others&gt;." in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count("cG5n") == 4  # one picture per clip, as stored
    assert text.index("Length and silence") < text.index("Faces") < text.index("Sources")


def test_the_sample_is_reproducible_and_without_repetition():
    numbers = draw_indices(1000, max_clips=50, seed=0)
    assert numbers == sorted(set(numbers)) == draw_indices(1000, max_clips=50, seed=0)
    assert len(numbers) == 50
    assert numbers != draw_indices(1000, max_clips=50, seed=1)
    assert draw_indices(3, max_clips=50, seed=0) == [0, 1, 2]


def test_a_sample_holds_the_clip_of_its_index(tiny_data):
    source = open_source(DATASET, "test+val", data_dir=tiny_data)
    everything = list(whole_clips(source, trim="none"))
    numbers = [1, 2, len(everything) - 1]
    for number, clip in zip(numbers, read_samples(source, numbers), strict=True):
        info = everything[number].info
        assert (clip.clip_id, clip.label, clip.identity) == (
            info.clip_id,
            info.label,
            info.identity,
        )
        assert clip.seconds == info.num_frames / 25
        assert clip.leading_silence_seconds == pytest.approx(info.leading_silence_seconds)
        assert len(clip.pictures) == 3
        assert all(png.startswith(b"\x89PNG") for png in clip.pictures)


def test_a_large_split_is_sampled(tiny_data):
    contents = read_contents(DATASET, data_dir=tiny_data, max_clips=5)
    train = next(split for split in contents.splits if split.name == "train")
    assert (train.num_clips, len(train.samples), train.is_real_only) == (12, 5, True)
    assert sum(train.tally(lambda clip: "all").values()) == 12


def test_avsync_prepare_writes_a_card_beside_its_report(tiny_data: Path):
    (report,) = tiny_data.rglob("prepare_report.json")
    num_clips = json.loads(report.read_text())["num_clips"]
    text = report.with_name("card.md").read_text()
    assert f"**{num_clips} clips in 5 splits" in text
    assert "All clips were read." in text
    assert re.search(r"Made by.*worker processes: \d", text)
    assert "data:image/png" in report.with_name("card.html").read_text()


def test_a_card_names_the_cluster_that_prepared_the_clips():
    (rows,) = tables.preparation({"engine": "dask", "num_workers": 8}).groups.values()
    assert rows == [["Made by", "a cluster, with Dask"]]
