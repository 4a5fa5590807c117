"""FakeAVCeleb: its header variants, its spellings, and splits by lists."""

from pathlib import Path

import pytest

from avsync.datasets._splits import Selection
from avsync.datasets.fakeavceleb import Builder, canonical_race
from tests.datasets.conftest import Build, Put, assert_trains_on_real_clips_only, write_text

HEADER = "source,target1,target2,method,category,type,race,gender,path,"
RENAMED_HEADER = "source,target1,target2,method,category,type,race,gender,filename,path,"

REAL = "RealVideo-RealAudio/African/men/id00076/00109"
CLONED = "RealVideo-FakeAudio/African/men/id00076/00109_fake"
SYNCED = "FakeVideo-RealAudio/African/men/id00076/00109_10_id00476_wavtolip"
EAST = "FakeVideo-FakeAudio/Asian_East/women/id00021/00304_id00021_6uNN_faceswap_id00179_wavtolip"


def row(clip_id: str, category: str, *, method: str = "real", targets: str = "-,-") -> str:
    """A line of meta_data.csv."""
    folder, race, gender, identity, stem = clip_id.split("/")
    return (
        f"{identity},{targets},{method},{category},{folder},{race},{gender},"
        f"{stem}.mp4,FakeAVCeleb/{folder}/{race}/{gender}/{identity}"
    )


ROWS = (
    row(REAL, "A"),
    row(CLONED, "B", method="rtvc"),
    row(SYNCED, "C", method="wav2lip", targets="id00476,-"),
    row(EAST, "D", method="faceswap-wav2lip", targets="id00179,id00021"),
)


def write_metadata(root: Path, *rows: str, header: str = HEADER) -> None:
    write_text(root / "meta_data.csv", header, *rows)


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    write_metadata(tmp_path, *ROWS)
    put(*(f"{clip_id}.mp4" for clip_id in (REAL, CLONED, SYNCED, EAST)))
    built = build_dataset(Builder, tmp_path)
    assert built.ids() == {"test": sorted([REAL, CLONED, SYNCED, EAST])}
    real, cloned, synced, east = map(built.record, (REAL, CLONED, SYNCED, EAST))
    assert real._replace(num_frames=0) == (
        *(REAL, 0, "RV-RA", "real", "id00076", "", []),
        {"race": "African", "gender": "men"},
        0,
    )
    assert cloned[1:6] == (1, "RV-FA", "rtvc", "id00076", REAL)
    assert synced[1:6] == (1, "FV-RA", "wav2lip", "id00076", REAL)
    assert synced.fake_segments == [[0, synced.num_frames / 25]]
    assert east[1:6] == (1, "FV-FA", "faceswap-wav2lip", "id00021", "")
    assert east.attributes == {
        "race": "Asian_East",
        "gender": "women",
        "target1": "id00179",
        "target2": "id00021",
    }


def test_lists_make_splits_of_which_only_the_real_part_is_trained_on(
    tmp_path: Path, put: Put, build_dataset: Build
):
    write_metadata(tmp_path, *ROWS)
    put(*(f"{clip_id}.mp4" for clip_id in (REAL, CLONED, SYNCED, EAST)))
    lists = {"train": (("A", REAL), ("B", CLONED)), "test": (("D", EAST),)}
    for split, clips in lists.items():
        lines = (f"id,{category},FakeAVCeleb/{clip_id}.mp4" for category, clip_id in clips)
        write_text(tmp_path / f"{split}.csv", "source,category,full_path", *lines)
    selection = Selection({split: tmp_path / f"{split}.csv" for split in lists})
    built = build_dataset(Builder, tmp_path, selection)
    assert built.ids() == {"train": [REAL], "train_fake": [CLONED], "test": [EAST]}
    assert_trains_on_real_clips_only(built, "train_labelled", "train+train_fake", "test")
    assert built.open("train_labelled").num_clips == 2


@pytest.mark.parametrize(
    "header",
    [HEADER, HEADER + "Unnamed: 9", RENAMED_HEADER, "\ufeff" + HEADER],
    ids=["as published", "saved by pandas", "circulated", "saved by a spreadsheet"],
)
def test_all_headers_in_circulation_are_read(tmp_path, header):
    write_metadata(tmp_path, *ROWS, header=header)
    media = {file.clip_id: file for file in Builder.find_media(tmp_path)}
    assert set(media) == {REAL, CLONED, SYNCED, EAST}
    assert media[CLONED].path == tmp_path / f"{CLONED}.mp4"


@pytest.mark.parametrize(
    "spelling", ["Caucasian (American)", "Caucasian_American", "Caucasian-American)"]
)
def test_a_race_is_the_same_however_a_copy_spells_it(tmp_path, spelling):
    assert canonical_race(spelling) == "Caucasian_American"
    folder = tmp_path / "RealVideo-RealAudio" / spelling / "men" / "id1"
    folder.mkdir(parents=True)
    (folder / "1.mp4").touch()
    clip_id = "RealVideo-RealAudio/Caucasian (American)/men/id1/1"
    write_metadata(tmp_path, row(clip_id, "A"))
    (file,) = Builder.find_media(tmp_path)
    assert file.path == folder / "1.mp4"
    assert file.attributes["race"] == "Caucasian_American"
    assert Builder.listed_ids(f"FakeAVCeleb/{clip_id}.mp4") == (file.clip_id,)


def test_a_fake_may_have_the_file_name_of_a_real_clip(tmp_path):
    same = "FakeVideo-RealAudio/African/men/id00076/00109"
    write_metadata(tmp_path, row(REAL, "A"), row(same, "C", method="fsgan", targets="id1,-"))
    fake, real = Builder.find_media(tmp_path)
    assert (fake.clip_id, fake.source_clip) == (same, REAL)
    assert (real.clip_id, real.source_clip) == (REAL, "")


def test_the_parent_folder_is_accepted_as_source(tmp_path):
    write_metadata(tmp_path / "FakeAVCeleb_v1.2", row(REAL, "A"))
    (file,) = Builder.find_media(tmp_path)
    assert file.path == tmp_path / "FakeAVCeleb_v1.2" / f"{REAL}.mp4"


def test_missing_metadata_is_an_error_with_the_expected_layout(tmp_path):
    write_text(tmp_path / "RealVideo-RealAudio" / "readme")
    with pytest.raises(
        ValueError, match=r"expected .*meta_data\.csv.*; found RealVideo-RealAudio/"
    ):
        Builder.find_media(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("category", "Category", r"unknown column: 'category'.*Known: .*Category"),
        (",path,", ",name,", r"expected columns `path` and one without a name"),
        (",A,", ",E,", r"row 2: unknown category: 'E'"),
        (",A,", ",B,", r"row 2: category B, type RealVideo-RealAudio and folder .* disagree"),
        (",real,", ",magic,", r"row 2: method 'magic' in category RV-RA; known methods: \('real'"),
        (
            "/men/id00076",
            "",
            r"row 2: invalid file name '00109.mp4' in directory 'FakeAVCeleb/Real",
        ),
        ("id00076\n", "id00076,more\n", r"line 2: more values than the 10 columns"),
    ],
)
def test_an_error_in_the_metadata_names_its_row(tmp_path, old, new, message):
    write_metadata(tmp_path, row(REAL, "A"))
    path = tmp_path / "meta_data.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"meta_data\.csv.*{message}"):
        Builder.find_media(tmp_path)
