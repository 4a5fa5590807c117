"""Files that are no video, or not a whole one, are told apart; none opens another file."""

import os

import numpy as np
import pytest

from avsync.media.rejects import Reject
from tests.media.whole_files import decode

PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{target}\n",
    "hls_after_bom": "\ufeff#EXTM3U\n#EXTINF:4,\n{target}\n",
    "ffconcat": "ffconcat version 1.0\nfile {target}\n",
    "dash": '<?xml version="1.0"?>\n<MPD><BaseURL>{target}</BaseURL></MPD>\n',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "pls": "[playlist]\nFile1={target}\n",
    "asx": "<asx version='3.0'><entry><ref href='{target}'/></entry></asx>",
}

BROKEN = {
    "empty": (b"", "empty_file"),
    "text": (b"not a video " * 1000, "not_media"),
    "subtitles": (b"1\n00:00:00,000 --> 00:00:01,000\nhello\n", "not_media"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not_media"),
    "noise": (bytes(range(256)) * 20, "not_media"),
    "no_index": (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(3000), "incomplete"),
    "matroska": (b"\x1aE\xdf\xa3" + bytes(300), "undecodable"),
}


def reject_of(path) -> Reject:
    with pytest.raises(Reject) as caught:
        decode(path)
    return caught.value


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list"])
def test_a_playlist_is_refused_and_nothing_else_is_opened(tmp_path, kind, name):
    target = tmp_path / "pipe.ts"
    os.mkfifo(target)  # whoever opens it for reading waits forever
    path = tmp_path / name
    path.write_text(PLAYLISTS[kind].format(target=target), encoding="utf-8")
    assert reject_of(path).reason == "playlist"


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_video_is_told_from_a_damaged_one(tmp_path, kind):
    content, reason = BROKEN[kind]
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    reject = reject_of(path)
    assert reject.reason == reason
    assert "Errno" not in reject.detail


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nowhere.mp4")
    reasons = [reject_of(tmp_path / f"{n}.mp4").reason for n in ("pipe", "folder", "link", "none")]
    assert reasons == ["not_media", "not_media", "missing_file", "missing_file"]


@pytest.mark.parametrize("name", ["concat:a|b.mkv", "img%03d.mkv", "http:x.mkv", "-i.mkv"])
def test_a_name_is_never_an_address_or_a_pattern(write_media, monkeypatch, name):
    times = np.arange(30) / 25
    sound = np.random.default_rng(0).normal(0, 0.1, (1, 19_200))
    frames = np.zeros((30, 32, 48), np.uint8)
    path = write_media(frames=frames, times=times, sound=[(0, sound)])
    path.rename(path.with_name(name))
    monkeypatch.chdir(path.parent)
    assert len(decode(path.with_name(name).relative_to(path.parent)).frames) == 30


@pytest.mark.parametrize(("old", "new", "shown"), [(b"V_FFV1", b"V_FFV9", "V_FFV9")])
def test_a_codec_without_decoder_is_named(write_media, old, new, shown):
    times = np.arange(30) / 25
    sound = np.random.default_rng(0).normal(0, 0.1, (1, 19_200))
    frames = np.zeros((30, 32, 48), np.uint8)
    path = write_media(frames=frames, times=times, sound=[(0, sound)])
    path.write_bytes(path.read_bytes().replace(old, new))
    reject = reject_of(path)
    assert (reject.reason, shown in reject.detail) == ("undecodable", True)
