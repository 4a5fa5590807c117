"""A handful of short real clips and a fake, as video files and the manifest that lists them."""

import csv
from pathlib import Path

import av

SECONDS = 1.6  # at least 1 s must be left after leading silence is trimmed

# Two clips of each split; the second test clip has the sound of another.
SPLITS = ("train", "train", "val", "val", "test", "test")
FAKE = "clip5"


def write(source: Path, folder: Path) -> Path:
    """Cuts the first clips in `source` (GRID's .mkv) to `SECONDS`; returns the manifest.

    The clips are `folder`/clip0.mkv to clip5.mkv. Both streams are copied, not encoded again.
    """
    originals = sorted(source.glob("*.mkv"))[: len(SPLITS)]
    rows = [("path", "clip_id", "label", "split")]
    for number, split in enumerate(SPLITS):
        clip_id = f"clip{number}"
        path = folder / f"{clip_id}.mkv"
        is_fake = clip_id == FAKE
        _join(path, video=originals[number], sound=originals[0 if is_fake else number])
        rows.append((path.name, clip_id, str(int(is_fake)), split))
    manifest = folder / "clips.csv"
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return manifest


def _join(path: Path, *, video: Path, sound: Path) -> None:
    """Writes the beginning of one file's video and of another's sound."""
    with av.open(str(path), "w") as out, av.open(str(video)) as one, av.open(str(sound)) as other:
        streams = one.streams.video[0], other.streams.audio[0]
        copies = [out.add_stream_from_template(stream) for stream in streams]
        for container, stream, copy in zip((one, other), streams, copies, strict=True):
            for number, packet in enumerate(container.demux(stream)):
                if packet.pts is None or packet.pts * packet.time_base >= SECONDS:
                    continue
                if packet.dts is None:  # Matroska does not store it for the first packets
                    packet.dts = (number - 2) * 40
                packet.stream = copy
                out.mux(packet)
