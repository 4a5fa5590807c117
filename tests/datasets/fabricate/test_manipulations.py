"""Properties common to all manipulations."""

import numpy as np
import pytest

from avsync import lookup
from avsync.datasets.fabricate import CannotFabricate
from avsync.types import FAKE

# name, params, manipulation, category
KINDS = [
    ("swap", {}, "swap", "RV-FA"),
    ("shift", {"frames": 5}, "shift_5", "RV-FA"),
    ("splice", {"seconds": 0.4}, "splice_0.4s", "RV-FA"),
    ("splice", {"seconds": 0.8}, "splice_0.8s", "RV-FA"),
    ("freeze", {"seconds": 0.8}, "freeze_0.8s", "FV-RA"),
    ("reverse", {"seconds": 0.8}, "reverse_0.8s", "FV-RA"),
    ("both", {"seconds": 0.8}, "both", "FV-FA"),
]

every_kind = pytest.mark.parametrize(("name", "params", "manipulation", "category"), KINDS)


def fabricate(name, clip, donor, *, seed=0, **params):
    module = lookup.load("datasets.fabricate", name)
    return module.fabricate(clip, donor, np.random.default_rng(seed), **params)


def test_all_manipulations_are_covered_here():
    assert {name for name, *_ in KINDS} | {"leading_silence"} == set(
        lookup.names("datasets.fabricate")
    )


@every_kind
def test_a_fake_has_its_labels_and_its_source(talking_clip, name, params, manipulation, category):
    fake = fabricate(name, talking_clip("real"), talking_clip("donor"), **params)
    assert (fake.label, fake.category, fake.manipulation) == (FAKE, category, manipulation)
    assert (fake.clip_id, fake.source_clip) == (f"real+{manipulation}", "real")
    assert fake.identity == "s1"


# Except shift, which keeps both streams and changes their offset; it has its own test.
@pytest.mark.parametrize(
    ("name", "params", "category"),
    [(name, params, category) for name, params, _, category in KINDS if name != "shift"],
)
def test_only_the_fake_segments_of_the_fake_stream_differ(talking_clip, name, params, category):
    real = talking_clip("real")
    fake = fabricate(name, real, talking_clip("donor"), **params)
    picture = np.any(fake.frames != real.frames, axis=(1, 2, 3))
    sound = np.any((fake.waveform != real.waveform).reshape(-1, 640), axis=1)
    assert picture.any() == (category[0] == "F")
    assert sound.any() == (category[3] == "F")
    forged = np.zeros(len(real.frames), bool)
    for start, end in fake.fake_segments:
        forged[round(start * 25) : round(end * 25)] = True
    assert not (picture | sound)[~forged].any()


@every_kind
def test_the_same_seed_makes_the_same_fake(talking_clip, name, params, manipulation, category):
    once = fabricate(name, talking_clip("real"), talking_clip("donor"), seed=3, **params)
    again = fabricate(name, talking_clip("real"), talking_clip("donor"), seed=3, **params)
    np.testing.assert_array_equal(once.frames, again.frames)
    np.testing.assert_array_equal(once.waveform, again.waveform)
    assert once.fake_segments == again.fake_segments


@every_kind
def test_clip_and_donor_are_not_modified(talking_clip, name, params, manipulation, category):
    real, donor = talking_clip("real"), talking_clip("donor")
    fabricate(name, real, donor, **params)
    for clip in (real, donor):
        unused = talking_clip(clip.clip_id)
        np.testing.assert_array_equal(clip.frames, unused.frames)
        np.testing.assert_array_equal(clip.waveform, unused.waveform)


@pytest.mark.parametrize("name", ["splice", "freeze", "reverse", "both"])
def test_fake_segments_are_speech(talking_clip, name):
    real, donor = talking_clip("real", speech=slice(25, 48)), talking_clip("donor")
    for seed in range(10):
        fake = fabricate(name, real, donor, seed=seed, seconds=0.8)
        for start, end in fake.fake_segments:
            # a fifth of the 20 frames may be pauses, so 4 frames may be outside at either end
            assert round(start * 25) >= 25 - 4
            assert round(end * 25) <= 48 + 4


@pytest.mark.parametrize("name", ["splice", "freeze", "reverse", "both"])
def test_too_little_speech_cannot_be_faked(talking_clip, name):
    real, donor = talking_clip("mumbler", speech=slice(20, 30)), talking_clip("donor")
    with pytest.raises(CannotFabricate, match=r"clip mumbler: no 0\.8 s segment of speech"):
        fabricate(name, real, donor, seconds=0.8)


@pytest.mark.parametrize("name", ["splice", "freeze", "reverse", "both"])
def test_a_clip_shorter_than_the_segment_cannot_be_faked(talking_clip, name):
    real = talking_clip("brief", num_frames=15, speech=slice(3, 12))
    with pytest.raises(CannotFabricate, match=r"clip brief: no 0\.8 s segment of speech in 0\.6 s"):
        fabricate(name, real, talking_clip("donor"), seconds=0.8)


@pytest.mark.parametrize("name", ["splice", "freeze", "reverse", "both"])
def test_a_segment_of_less_than_a_frame_is_refused(talking_clip, name):
    with pytest.raises(ValueError, match=r"seconds=0\.01 is less than one video frame"):
        fabricate(name, talking_clip("real"), talking_clip("donor"), seconds=0.01)


def test_a_fake_is_not_manipulated_again(talking_clip):
    fake = fabricate("swap", talking_clip("real"), talking_clip("donor"))
    with pytest.raises(ValueError, match="made from real clips, but this one is RV-FA"):
        fabricate("freeze", fake, talking_clip("donor"))
