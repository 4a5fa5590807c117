"""AVLips: real clips, and lip-synced fakes from several lip-sync generators.

Liu et al., "Lips Are Lying" (NeurIPS 2024).
"""

from pathlib import Path

from avsync.datasets._layout import find_root, folder_contents
from avsync.datasets._metadata import WHOLE_CLIP
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

REAL_FOLDER, FAKE_FOLDER = "0_real", "1_fake"

EXPECTED = f"AVLips, with {REAL_FOLDER}/<N>.mp4 and {FAKE_FOLDER}/<N>.mp4"


class Builder(MediaBuilder):
    """AVLips: all clips are in `test`; there are no official splits, and speakers are unknown."""

    name = "avlips"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos in `0_real` and `1_fake`, which contain their audio; `wav` is not read.

        Ids are `<folder>/<N>`. Both folders number from the start; equal numbers do not mean that a
        fake was made from that real clip.
        """
        root = find_root(source, holds=(REAL_FOLDER, FAKE_FOLDER), expected=EXPECTED)
        media = []
        for folder in (REAL_FOLDER, FAKE_FOLDER):
            paths = sorted((root / folder).glob("[!.]*.mp4"))
            if not paths:
                raise ValueError(
                    f"{root / folder}: expected {EXPECTED}; found {folder_contents(root / folder)}"
                )
            media += [_media_file(folder, path) for path in paths]
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(folder: str, path: Path) -> MediaFile:
    is_fake = folder == FAKE_FOLDER
    return MediaFile(
        clip_id=f"{folder}/{path.stem}",
        path=path,
        label=FAKE if is_fake else REAL,
        # The lips are generated to match the recorded voice.
        category="FV-RA" if is_fake else "RV-RA",
        manipulation="lip_sync" if is_fake else "real",
        fake_segments=WHOLE_CLIP if is_fake else (),
        split="test",
    )
