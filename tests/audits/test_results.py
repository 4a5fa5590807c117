"""Audits of generated clips: a planted shortcut is found, and nothing else."""

import json
import re
from collections.abc import Iterable

import numpy as np
import pytest

from avsync.audits import base
from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.results import Audit, audit, strengths_by_kind
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.reports.audit import report, wording

NUM_SOURCES = 16

# Without the random network, which takes seconds to compile.
SHORTCUTS = {name: s for name, s in base.all_shortcuts().items() if name != "random_network"}


def hiss(seed: int, *, num_frames: int = 25) -> np.ndarray:
    """Noise whose level rises and falls, some clips louder than others."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.2, 1) * np.repeat(rng.uniform(200, 900, num_frames), 640)
    return np.clip(rng.normal(0, level), -4_000, 4_000).astype(np.int16)


def clip_of(waveform: np.ndarray, origin: Origin, *, is_fake: bool, **fields) -> SoundClip:
    known = {
        "label": int(is_fake),
        "category": "RV-FA" if is_fake else "RV-RA",
        "manipulation": "swap" if is_fake else "real",
        "num_trimmed_frames": 0,
        "media": {},
    } | fields
    return SoundClip(origin=origin, waveform=waveform, **known)


def pairs(*, silent_frames: int = 0, **fake_fields) -> Iterable[SoundClip]:
    """Real clips, each followed by a fake of it: other sound after `silent_frames` of silence."""
    for i in range(NUM_SOURCES):
        yield clip_of(
            hiss(i), Origin(f"clip {i}", "", ""), is_fake=False, media={"video_codec": "a"}
        )
        silence = np.zeros(640 * silent_frames, np.int16)
        fields = {"media": {"video_codec": "a"}, "num_trimmed_frames": silent_frames} | fake_fields
        waveform = np.concatenate([silence, hiss(100 + i, num_frames=25 - silent_frames)])
        origin = Origin(f"clip {i}+swap", "", f"clip {i}")
        yield clip_of(waveform, origin, is_fake=True, **fields)


def audited(clips: Iterable[SoundClip], shortcuts=SHORTCUTS, **others) -> Audit:
    return audit(clips, shortcuts, others=others)


@pytest.fixture(scope="module")
def planted() -> Audit:
    return audited(pairs(silent_frames=2))


def test_planted_silence_is_the_strongest_shortcut_and_gone_when_trimmed(planted):
    (found,) = planted.found
    assert planted.results[0] is found
    assert found.name == "leading_silence"
    assert (found.original.auc, found.original.low) == (1, 1)
    assert not found.trimmed.excludes_chance
    assert found.fake_if == "above"
    assert 0.0 < found.threshold < 0.08


def test_nothing_is_found_where_nothing_is_planted():
    nothing = audited(pairs())
    assert nothing.found == []
    assert nothing.not_found == nothing.results
    assert all(r.original.low <= 0.5 <= r.original.high for r in nothing.results)
    assert wording.headline(nothing).startswith("No shortcut found: the intervals of all ")


def test_results_are_sorted_by_auc(planted):
    aucs = [result.original.auc for result in planted.results]
    assert aucs == sorted(aucs, reverse=True)
    assert min(aucs) >= 0.5  # the better sign of each


def test_a_codec_of_fakes_alone_is_found_in_both_views_with_its_clip_counts():
    found = {f.name: f for f in audited(pairs(media={"video_codec": "b"})).found}
    assert set(found) == {"video_codec"}
    assert found["video_codec"].categories == {"a": (16, 0), "b": (0, 16)}
    assert found["video_codec"].trimmed == found["video_codec"].original


def test_shortcuts_without_any_value_are_listed_as_not_measured(planted):
    assert "video_bits_per_second" in planted.not_measured
    assert "identity_leakage" in planted.not_measured


def test_fakes_made_from_clips_of_another_split_are_a_leak():
    reals = [Origin(f"clip {i}", "", "") for i in range(NUM_SOURCES)]
    # No real clip of the split is in train; all of its fakes are made from clips of train.
    clips = [
        clip._replace(origin=Origin(clip.origin.clip_id, "", clip.origin.source_clip))
        if clip.label
        else clip._replace(origin=Origin(f"other {clip.origin.clip_id}", "", ""))
        for clip in pairs()
    ]
    (found,) = audited(clips, train=reals).found
    assert found.name == "source_leakage"
    assert found.original.auc == 1


def test_a_failing_shortcut_is_counted_and_logged_and_affects_nothing_else(caplog):
    def fragile(clip: AuditedClip) -> float:
        if clip.waveform[0] == first:
            raise ZeroDivisionError("no such thing")
        return float(clip.num_frames)

    clips = list(pairs())
    first = clips[0].waveform[0]
    shortcuts = {"fragile": Shortcut("a fragile value", "", fragile), "peak": SHORTCUTS["peak"]}
    found = {result.name: result for result in audited(clips, shortcuts).results}
    assert found["fragile"].num_failed == 2  # once in each view
    assert found["fragile"].original.num_missing == 1
    assert found["peak"].original.num_missing == 0
    assert "fragile failed on clip clip 0: no such thing" in caplog.text


def test_a_clip_that_is_all_silence_is_missing_from_the_trimmed_view():
    clips = [c._replace(num_trimmed_frames=25) if i < 2 else c for i, c in enumerate(pairs())]
    peak = audited(clips, {"peak": SHORTCUTS["peak"]}).results[0]
    assert (peak.original.num_missing, peak.trimmed.num_missing) == (0, 2)


@pytest.mark.parametrize(("label", "name"), [(0, "real"), (1, "fake")])
def test_clips_of_one_class_are_refused(label, name):
    with pytest.raises(ValueError, match=f"all 16 clips of the split are {name}"):
        audited(clip for clip in pairs() if clip.label == label)


def test_too_few_clips_give_no_result():
    few = audited(list(pairs(silent_frames=1))[:6])
    assert few.found == []
    assert wording.headline(few).startswith("Too few clips to tell: 3 real and 3 fake clips")


def test_the_report_names_the_shortcut_and_is_self_contained(planted, tmp_path):
    report.write_report(planted, tmp_path, title="made <here>")
    first, *rest = json.loads((tmp_path / "audit.json").read_text())
    assert first["shortcut"] == "leading_silence"
    assert first["is_found"]
    assert (first["auc"], first["auc_low"], first["auc_high"]) == (1, 1, 1)
    assert first["auc_trimmed_low"] <= 0.5 <= first["auc_trimmed_high"]
    assert first["by_manipulation"]["swap"]["auc"] == 1
    assert not any(other["is_found"] for other in rest)
    html = (tmp_path / "report.html").read_text()
    assert "1 shortcut separates fake from real clips: leading silence (AUC 1.000, " in html
    assert html.count("<img") == 1
    assert "made &lt;here&gt;" in html
    assert "http" not in html.replace("http-equiv", "")  # self-contained


def test_the_table_shows_the_shortcuts_found_in_100_columns(planted, capsys):
    report.print_table(planted, title="made here")
    printed = capsys.readouterr().out
    assert re.search(r"leading silence +1\.000 \[1\.000, 1\.000\]", printed)
    assert max(map(len, printed.splitlines())) <= 100


def test_each_kind_of_fake_has_a_strength_of_its_own():
    # Only spliced fakes are louder; there are twelve, because an interval needs ten sources.
    clips = [
        clip._replace(manipulation="splice", waveform=clip.waveform * np.int16(8))
        if clip.label and i < 24
        else clip
        for i, clip in enumerate(pairs())
    ]
    loud = audited(clips, {"loudness": SHORTCUTS["loudness"]})
    by_manipulation = strengths_by_kind(loud, loud.results[0])["manipulation"]
    assert by_manipulation["splice"]["original"].low == 1
    assert 0.2 < by_manipulation["swap"]["original"].auc < 0.8
