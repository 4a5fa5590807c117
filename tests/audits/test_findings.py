"""An audit of clips made here: what is planted is found, and nothing else."""

import json
import re
from collections.abc import Iterable

import numpy as np
import pytest

from avsync.audits import base
from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.findings import Audit, audit
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.reports.audit import kinds, report, wording

NUM_SOURCES = 16

# All but the probe, which takes seconds to compile.
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


def pairs(*, silent_frames: int = 0, **of_fakes) -> Iterable[SoundClip]:
    """Real clips, each followed by a fake of it, with other sound and silence before."""
    for i in range(NUM_SOURCES):
        yield clip_of(
            hiss(i), Origin(f"clip {i}", "", ""), is_fake=False, media={"video_codec": "a"}
        )
        silence = np.zeros(640 * silent_frames, np.int16)
        fields = {"media": {"video_codec": "a"}, "num_trimmed_frames": silent_frames} | of_fakes
        waveform = np.concatenate([silence, hiss(100 + i, num_frames=25 - silent_frames)])
        origin = Origin(f"clip {i}+swap", "", f"clip {i}")
        yield clip_of(waveform, origin, is_fake=True, **fields)


def audited(clips: Iterable[SoundClip], shortcuts=SHORTCUTS, **others) -> Audit:
    return audit(clips, shortcuts, others=others)


@pytest.fixture(scope="module")
def planted() -> Audit:
    return audited(pairs(silent_frames=2))


def test_planted_silence_is_found_first_and_is_gone_when_trimmed(planted):
    (found,) = planted.found
    assert planted.findings[0] is found
    assert found.name == "leading_silence"
    assert (found.original.auc, found.original.low) == (1, 1)
    assert not found.trimmed.is_found
    assert found.fake_if == "above"
    assert 0.0 < found.threshold < 0.08


def test_where_nothing_is_planted_nothing_is_found():
    nothing = audited(pairs())
    assert nothing.found == []
    assert all(f.original.low <= 0.5 <= f.original.high for f in nothing.findings)
    assert wording.headline(nothing).startswith("Nothing measured here tells fakes from reals")


def test_findings_come_strongest_first(planted):
    aucs = [finding.original.auc for finding in planted.findings]
    assert aucs == sorted(aucs, reverse=True)
    assert min(aucs) >= 0.5  # the better sign of each


def test_another_codec_is_found_trimmed_or_not_and_its_clips_are_counted():
    found = {f.name: f for f in audited(pairs(media={"video_codec": "b"})).found}
    assert set(found) == {"video_codec"}
    assert found["video_codec"].categories == {"a": (16, 0), "b": (0, 16)}
    assert found["video_codec"].trimmed == found["video_codec"].original


def test_what_no_record_tells_is_named_as_not_measured(planted):
    assert "video_bits_per_second" in planted.not_measured
    assert "identity_leakage" in planted.not_measured


def test_fakes_of_another_splits_clips_are_a_leak():
    reals = [Origin(f"clip {i}", "", "") for i in range(NUM_SOURCES)]
    # Of the reals of the split none is in train; all of its fakes are made of clips that are.
    clips = [
        clip._replace(origin=Origin(clip.origin.clip_id, "", clip.origin.source_clip))
        if clip.label
        else clip._replace(origin=Origin(f"other {clip.origin.clip_id}", "", ""))
        for clip in pairs()
    ]
    (found,) = audited(clips, train=reals).found
    assert found.name == "source_leakage"
    assert found.original.auc == 1


def test_a_shortcut_that_fails_on_a_clip_costs_neither_the_clip_nor_the_others(caplog):
    def fragile(clip: AuditedClip) -> float:
        if clip.waveform[0] == first:
            raise ZeroDivisionError("no such thing")
        return float(clip.num_frames)

    clips = list(pairs())
    first = clips[0].waveform[0]
    shortcuts = {"fragile": Shortcut("what breaks", "", fragile), "peak": SHORTCUTS["peak"]}
    found = {finding.name: finding for finding in audited(clips, shortcuts).findings}
    assert found["fragile"].num_failed == 2  # in either view
    assert found["fragile"].original.num_missing == 1
    assert found["peak"].original.num_missing == 0
    assert "fragile cannot be measured of clip clip 0: no such thing" in caplog.text


def test_a_clip_that_trimming_leaves_nothing_of_is_missing_from_that_view():
    clips = [c._replace(num_trimmed_frames=25) if i < 2 else c for i, c in enumerate(pairs())]
    peak = audited(clips, {"peak": SHORTCUTS["peak"]}).findings[0]
    assert (peak.original.num_missing, peak.trimmed.num_missing) == (0, 2)


@pytest.mark.parametrize(("label", "missing"), [(0, "no fake"), (1, "no real")])
def test_clips_of_one_class_are_refused(label, missing):
    with pytest.raises(ValueError, match=f"16 clips, and {missing} among them"):
        audited(clip for clip in pairs() if clip.label == label)


def test_few_clips_are_too_few_to_tell():
    few = audited(list(pairs(silent_frames=1))[:6])
    assert few.found == []
    assert wording.headline(few).startswith("Too few clips to tell: 3 real and 3 fake clips")


def test_the_report_says_what_would_fool_a_model(planted, tmp_path):
    report.write_report(planted, tmp_path, title="made <here>")
    first, *rest = json.loads((tmp_path / "audit.json").read_text())
    assert first["shortcut"] == "leading_silence"
    assert first["is_found"]
    assert (first["auc"], first["auc_low"], first["auc_high"]) == (1, 1, 1)
    assert first["auc_trimmed_low"] <= 0.5 <= first["auc_trimmed_high"]
    assert first["by_manipulation"]["swap"]["auc"] == 1
    assert not any(other["is_found"] for other in rest)
    html = (tmp_path / "report.html").read_text()
    assert "A model can tell fakes from reals by leading silence alone (AUC 1.000, " in html
    assert html.count("<img") == 1
    assert "made &lt;here&gt;" in html
    assert "http" not in html.replace("http-equiv", "")  # self-contained


def test_the_table_names_what_was_found(planted, capsys):
    report.print_table(planted, title="made here")
    printed = capsys.readouterr().out
    assert re.search(r"leading silence +1\.000 \[1\.000, 1\.000\]", printed)
    assert max(map(len, printed.splitlines())) <= 100


def test_kinds_of_fakes_are_told_apart():
    # Of the fakes those that are spliced are louder; twelve, for an interval needs ten sources.
    clips = [
        clip._replace(manipulation="splice", waveform=clip.waveform * np.int16(8))
        if clip.label and i < 24
        else clip
        for i, clip in enumerate(pairs())
    ]
    told = kinds.kinds_of_fakes(audited(clips, {"loudness": SHORTCUTS["loudness"]}))
    by_manipulation = told["loudness"]["manipulation"]
    assert by_manipulation["splice"]["original"].low == 1
    assert 0.2 < by_manipulation["swap"]["original"].auc < 0.8
