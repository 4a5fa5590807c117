"""A frame has its own time, also behind packets that give no frame."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.codec.context import Flags
from av.error import InvalidDataError
from av.video.frame import PictureType

from avsync.media.frame_times import MAX_REORDERED_FRAMES, FrameTimes

NUM_FRAMES = 40


def times_of(decoded: str, shown: str) -> list[int | None]:
    """The times of the frames in the order `shown`, of which small letters are B frames.

    All packets are sent first, at times 0, 1, 2 and so on.
    """
    times = FrameTimes()
    numbers = {frame: times.send(ticks) for ticks, frame in enumerate(decoded)}
    return [times.show(numbers[frame], is_bidirectional=frame.islower()) for frame in shown]


def test_the_kth_frame_shown_takes_the_kth_smallest_time():
    assert times_of("ABCD", "ABCD") == [0, 1, 2, 3]
    assert times_of("ADbcGef", "AbcDefG") == [0, 1, 2, 3, 4, 5, 6]


def test_a_packet_without_a_frame_takes_its_time_with_it():
    assert times_of("ABCDE", "ABDE") == [0, 1, 3, 4]
    assert times_of("ABCDE", "CDE") == [2, 3, 4]


def test_a_lost_b_frame_is_noticed_at_the_next_other_frame_that_is_decoded_after_it():
    assert times_of("ADbcGefH", "AbDefGH") == [0, 1, 2, 3, 4, 6, 7]  # without c
    assert times_of("ADbcGefH", "ADGH")[-1] == 7


def test_a_lost_frame_is_noticed_among_b_frames_alone():
    times = FrameTimes()
    numbers = [times.send(ticks) for ticks in range(3 * MAX_REORDERED_FRAMES)]
    shown = [times.show(number, is_bidirectional=True) for number in numbers if number != 5]
    assert shown[:5] == [0, 1, 2, 3, 4]
    assert shown[-1] == numbers[-1]


def test_a_frame_of_an_unknown_packet_takes_the_next_time():
    times = FrameTimes()
    for ticks in (10, 11):
        times.send(ticks)
    shown = [times.show(None, is_bidirectional=False) for _ in range(3)]
    assert shown == [10, 11, None]


def encoded(*, num_b_frames: int) -> list[av.Packet]:
    """MPEG-4 frames that tell their number by the grey levels of their halves."""
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 96, 96, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.bit_rate, encoder.max_b_frames = 2_000_000, num_b_frames
    packets = []
    for index in range(NUM_FRAMES):
        levels = np.array([30 + 24 * (index % 8), 30 + 24 * (index // 8)], np.uint8)
        frame = av.VideoFrame.from_ndarray(np.tile(np.repeat(levels, 48), (96, 1)), format="gray")
        frame = frame.reformat(format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    return packets + encoder.encode(None)


def shown_at(payloads: list[bytes], *, num_threads: int) -> dict[int, int]:
    """The time of each frame that a decoder shows, by its number; packets are a tick apart."""
    decoder = av.CodecContext.create("mpeg4", "r")
    decoder.flags |= Flags.copy_opaque
    decoder.thread_count = num_threads
    times, found = FrameTimes(), {}
    for ticks, payload in enumerate([*payloads, None]):
        packet = None
        if payload is not None:
            packet = av.Packet(payload)
            packet.opaque = times.send(ticks)
        try:
            frames = decoder.decode(packet)
        except InvalidDataError:
            continue
        for frame in frames:
            assert isinstance(frame.opaque, int)
            is_bidirectional = frame.pict_type == PictureType.B
            time = times.show(frame.opaque, is_bidirectional=is_bidirectional)
            assert time is not None
            grey = frame.to_ndarray(format="gray")
            low, high = (round((half.mean() - 30) / 24) for half in (grey[:, 8:40], grey[:, 56:88]))
            found.setdefault(8 * high + low, time)
    return found


def not_coded(index: int) -> bytes:
    """An MPEG-4 packet that says that the picture stands, at this multiple of 40 ms."""
    # Type P, no whole second, marker, time, marker, not coded; then ones up to a whole byte.
    bits = f"0101{index % 25:05b}10".ljust(16, "1")
    return b"\x00\x00\x01\xb6" + int(bits, 2).to_bytes(2, "big")


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("num_b_frames", [0, 1, 2])
def test_a_decoder_that_drops_frames_moves_no_other(num_b_frames, num_threads):
    packets = encoded(num_b_frames=num_b_frames)
    payloads = [bytes(packet) for packet in packets]
    whole = shown_at(payloads, num_threads=num_threads)
    assert whole == {index: index for index in range(NUM_FRAMES)}
    payloads[9:12] = [bytes(len(payload)) for payload in payloads[9:12]]
    damaged = shown_at(payloads, num_threads=num_threads)
    assert len(damaged) < NUM_FRAMES
    assert {index: damaged[index] for index in range(20, 40)} == {i: i for i in range(20, 40)}


@pytest.mark.parametrize("num_threads", [1, 3])
def test_time_passes_where_a_packet_says_that_the_picture_stands(num_threads):
    payloads = [bytes(packet) for packet in encoded(num_b_frames=0)]
    standing = [not_coded(20 + index) for index in range(5)]
    found = shown_at(payloads[:20] + standing + payloads[20:], num_threads=num_threads)
    assert found == {index: index + 5 * (index >= 20) for index in range(NUM_FRAMES)}
