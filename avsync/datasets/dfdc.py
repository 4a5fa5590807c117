"""DFDC, the Deepfake Detection Challenge: 128,000 clips of paid actors, real and face-swapped.

Dolhansky, Bitton, Pflaum, Lu, Howes, Wang and Canton Ferrer (arXiv 2006.07397).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from avsync.datasets._layout import folder_contents
from avsync.datasets._metadata import WHOLE_CLIP, parse_label, parse_rows, read_csv
from avsync.datasets.base import MediaBuilder
from avsync.types import REAL, MediaFile

TRAIN_METADATA, TEST_LABELS = "metadata.json", "labels.csv"

EXPECTED = (
    f"DFDC, with dfdc_train_part_<N>/{TRAIN_METADATA} and the videos beside it, or a test folder "
    f"with {TEST_LABELS} (filename,label)"
)

# The metadata does not name the fake stream. Nearly all fakes are face swaps.
CATEGORY_OF_FAKES = "FV-RA"


class Builder(MediaBuilder):
    """DFDC: `train`, `train_fake`, `val` and `val_fake` from the train parts present, and `test`.

    Identities are unknown, so `val` is one in fifty real clips of the train parts with the fakes
    made from them. Every fake has category FV-RA, although some also have another voice: the
    metadata does not say which. Attribute: split.
    """

    name = "dfdc"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The clips of every metadata.json and labels.csv, at most two folders below `source`.

        Ids are `<folder>/<file stem>`.
        """
        train = [path for path in _below(source, TRAIN_METADATA) if _is_train(path)]
        test = _below(source, TEST_LABELS)
        if not train and not test:
            raise ValueError(f"{source}: expected {EXPECTED}; found {folder_contents(source)}")
        return sorted(
            [*_train_clips(train), *(clip for path in test for clip in _test_clips(path))],
            key=lambda file: file.clip_id,
        )


def _below(source: Path, name: str) -> list[Path]:
    return sorted(path for depth in ("", "*/", "*/*/") for path in source.glob(depth + name))


def _is_train(path: Path) -> bool:
    # The test set has a metadata.json too, in another format, beside its labels.
    return not (path.parent / TEST_LABELS).is_file()


def _train_clips(paths: Iterable[Path]) -> Iterator[MediaFile]:
    items = {path: _read(path) for path in paths}
    ids = {
        name: f"{path.parent.name}/{Path(name).stem}"
        for path, part in items.items()
        for name in part
    }
    for path, part in items.items():
        yield from parse_rows(
            path, part.items(), lambda entry, path=path: _train_clip(path, *entry, ids), first=0
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(items, dict) or not all(isinstance(item, dict) for item in items.values()):
        raise ValueError(f'{path}: expected {{"x.mp4": {{"label": "FAKE", ...}}, ...}}')
    return items


def _train_clip(
    metadata: Path, name: str, item: Mapping[str, Any], ids: Mapping[str, str]
) -> MediaFile:
    if "label" not in item:
        raise ValueError(f"{name} has no label; its keys are: {', '.join(item) or 'none'}")
    # The source of a fake may be in a part that was not downloaded.
    source_clip = ids.get(item.get("original") or "", "")
    return _media_file(metadata.parent / name, item["label"], "train", source_clip=source_clip)


def _test_clips(labels: Path) -> Iterator[MediaFile]:
    rows = list(read_csv(labels, columns=("filename", "label")))
    folders = [labels.parent, *sorted(path for path in labels.parent.iterdir() if path.is_dir())]
    first = rows[0]["filename"] if rows else ""
    folder = next((f for f in folders if (f / first).is_file()), labels.parent)
    yield from parse_rows(
        labels, rows, lambda row: _media_file(folder / row["filename"], row["label"], "test")
    )


def _media_file(path: Path, label: str, split: str, *, source_clip: str = "") -> MediaFile:
    number = parse_label(label)
    return MediaFile(
        clip_id=f"{path.parent.name}/{path.stem}",
        path=path,
        label=number,
        category="RV-RA" if number == REAL else CATEGORY_OF_FAKES,
        manipulation="real" if number == REAL else "dfdc",
        source_clip="" if number == REAL else source_clip,
        fake_segments=() if number == REAL else WHOLE_CLIP,
        attributes={"split": split},
        split=split,
    )
