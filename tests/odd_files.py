"""Odd and broken files as users have them, each made from a real clip."""

import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soxr
from scipy import ndimage

WriteMedia = Callable[..., Path]

SOUND_RATE = 44_100


def write_all(clip: Path, folder: Path, write_media: WriteMedia) -> dict[str, tuple[str, str]]:
    """Writes the files to `folder`; returns status and a part of the message for each name."""
    frames, sound = read(clip)
    short, heard = frames[10:50], sound[:, round(0.4 * SOUND_RATE) : round(2.0 * SOUND_RATE)]
    times = np.arange(len(short)) / 25
    rng = np.random.default_rng(0)
    uneven = np.sort(np.concatenate([[0, 1.56], rng.uniform(0.02, 1.54, 60)]))
    nearest = np.abs(times[None] - uneven[:, None]).argmin(axis=1)
    at_15 = np.arange(24) / 15
    grey = np.full_like(short, 128)
    seconds = np.arange(heard.shape[1]) / SOUND_RATE
    chord = np.sin(2 * np.pi * 220 * seconds) + np.sin(2 * np.pi * 330 * seconds)
    fits = "lip sync"

    def write(name: str, pictures, sounds, *, at=times, rate=SOUND_RATE, starts=0.0, **options):
        timed_sounds = None if sounds is None else [(starts, np.asarray(sounds))]
        path = write_media(
            frames=pictures, times=at, sound=timed_sounds, sample_rate=rate, name=name, **options
        )
        shutil.move(path, folder / name)

    write("plain.mkv", short, heard)
    write("late_sound.mkv", short, heard[:, round(0.2 * SOUND_RATE) :], starts=0.2)
    write("video_only.mkv", short, None)
    write("audio_only.mka", None, heard)
    write("15_fps.mkv", short[np.round(at_15 * 25).astype(int)], heard, at=at_15)
    write("uneven_times.mkv", short[nearest], heard, at=uneven)
    large = np.stack([np.asarray(ndimage.zoom(frame, 7.5, order=1)) for frame in short[:28]])
    write("4k.mkv", large, heard[:, : round(1.12 * SOUND_RATE)], at=times[:28])
    write("rotated.mov", np.rot90(short, axes=(1, 2)), heard, rotation=-90)
    write("odd_size.mkv", short[:, :-1, :-1], heard)
    write("8_khz.mkv", short, soxr.resample(heard[0], SOUND_RATE, 8_000)[None], rate=8_000)
    write("out_of_phase.mkv", short, np.concatenate([heard, -heard]))
    write("quiet.mkv", short, heard / 50)
    write("silence.mkv", short, np.zeros_like(heard))
    write("no_face.mkv", grey, heard)
    write("face_for_a_moment.mkv", np.concatenate([short[:20], grey[20:]]), heard)
    write("music.mkv", short, 0.2 * chord[None])
    write("two_faces.mkv", np.concatenate([short, frames[12:52]], axis=2), heard)
    write("more_sound.mkv", short[:30], heard, at=times[:30])
    write("less_sound.mkv", short, heard[:, : round(1.2 * SOUND_RATE)])
    write("two_frames.mkv", short[:2], heard, at=times[:2])
    write("one_frame.mkv", short[:1], heard, at=times[:1])
    write("cut.mov", short, heard)
    whole = (folder / "cut.mov").read_bytes()
    (folder / "cut.mov").write_bytes(whole[: len(whole) * 2 // 3])  # the index is at the end
    whole = (folder / "plain.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) * 9 // 10])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("no video\n" * 100)
    shutil.copy(clip, folder / "compressed.mkv")
    return {
        "plain.mkv": ("ok", fits),
        "late_sound.mkv": ("ok", fits),
        "video_only.mkv": ("no_audio", "no audio stream"),
        "audio_only.mka": ("no_video", "no video stream"),
        "15_fps.mkv": ("ok", fits),
        "uneven_times.mkv": ("ok", fits),
        "4k.mkv": ("ok", fits),
        "rotated.mov": ("ok", fits),
        "odd_size.mkv": ("ok", fits),
        "8_khz.mkv": ("ok", fits),
        "out_of_phase.mkv": ("ok", "audio channel 1 is used alone"),
        "quiet.mkv": ("ok", fits),
        "silence.mkv": ("all_silent", "loudest sample"),
        "no_face.mkv": ("no_face", "no face is visible"),
        "face_for_a_moment.mkv": ("scene_cut", "the face is visible for 0.8"),
        "music.mkv": ("no_speech", "a tone, hum, noise, or sustained music"),
        "two_faces.mkv": ("ok", fits),
        "more_sound.mkv": ("ok", "1.60 s of audio for 1.20 s of video"),
        "less_sound.mkv": ("ok", "1.20 s of audio for 1.60 s of video"),
        "one_frame.mkv": ("too_short", "video and audio share 1 frames"),
        "two_frames.mkv": ("too_short", "video and audio share 2 frames"),
        "cut.mov": ("incomplete", "index of the file"),
        "cut.mkv": ("ok", fits),
        "empty.mp4": ("empty_file", "no content"),
        "text.mp4": ("not_media", "text, not a video"),
        "compressed.mkv": ("ok", fits),
        "missing.mp4": ("missing_file", "no file at"),
    }


def read(clip: Path) -> tuple[np.ndarray, np.ndarray]:
    """Grey frames and samples [1 s] at 44.1 kHz of a GRID clip."""
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with av.open(str(clip)) as container:
        sound = [frame.to_ndarray()[:1] / 32_768 for frame in container.decode(audio=0)]
    return np.stack(frames), np.concatenate(sound, axis=1)
