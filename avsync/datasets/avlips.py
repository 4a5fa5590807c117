"""AVLips: real clips and lip-synced fakes of them, from several lip-sync generators.

Liu et al., "Lips Are Lying" (NeurIPS 2024).
"""

from pathlib import Path

from avsync.datasets._layout import contents, find_root
from avsync.datasets._tables import WHOLE_CLIP
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

REAL_FOLDER, FAKE_FOLDER = "0_real", "1_fake"

EXPECTED = f"AVLips, with {REAL_FOLDER}/<N>.mp4 and {FAKE_FOLDER}/<N>.mp4"


class Builder(MediaBuilder):
    """AVLips, all of it in `test`: it has no splits of its own, and does not tell who speaks."""

    name = "avlips"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos in `0_real` and `1_fake`, whose sound is in them; `wav` is not read.

        Ids are `<folder>/<N>`: the numbers begin anew in each, and say nothing of which real clip
        a fake is made from.
        """
        root = find_root(source, holds=(REAL_FOLDER, FAKE_FOLDER), expected=EXPECTED)
        media = []
        for folder in (REAL_FOLDER, FAKE_FOLDER):
            paths = sorted((root / folder).glob("[!.]*.mp4"))
            if not paths:
                raise ValueError(
                    f"{root / folder}: expected {EXPECTED}; found {contents(root / folder)}"
                )
            media += [_media_file(folder, path) for path in paths]
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(folder: str, path: Path) -> MediaFile:
    is_fake = folder == FAKE_FOLDER
    return MediaFile(
        clip_id=f"{folder}/{path.stem}",
        path=path,
        label=FAKE if is_fake else REAL,
        # The lips are made to fit a voice that is as it was recorded.
        category="FV-RA" if is_fake else "RV-RA",
        manipulation="lip_sync" if is_fake else "real",
        fake_segments=WHOLE_CLIP if is_fake else (),
        split="test",
    )
