"""H.264 video whose frames are coded as two fields, as camcorders and broadcasters write it.

No encoder of FFmpeg writes it. Here every macroblock holds its pixels as they are (I_PCM).
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIDE = 96  # pixels
MACROBLOCKS = SIDE // 16
MACROBLOCKS_OF_FIELD = MACROBLOCKS * MACROBLOCKS // 2


def write(path: Path, levels: list[int], sound: np.ndarray, *, sample_rate: int) -> None:
    """An MPEG transport stream at 25 fps: each frame has one grey level, of 16 to 235."""
    with av.open(str(path), "w", format="mpegts") as out:
        picture = out.add_stream("libx264", rate=25)
        picture.width = picture.height = SIDE
        voice = out.add_stream("mp2", rate=sample_rate, layout="mono")
        whole = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        whole.sample_rate, whole.pts = sample_rate, 0
        resampler = av.AudioResampler("s16", "mono", sample_rate, frame_size=1152)
        packets = []
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            packets += voice.encode(frame)
        packets += voice.encode(None)
        for number, level in enumerate(levels):
            packet = av.Packet(coded_frame(number, level))
            packet.stream, packet.time_base = picture, Fraction(1, 25)
            packet.pts = packet.dts = number
            packets.append(packet)
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        out.mux(packets)


def coded_frame(number: int, level: int) -> bytes:
    headers = _sequence() + _picture_parameters() if number == 0 else b""
    fields = (_field(number, level, is_bottom=is_bottom) for is_bottom in (False, True))
    return headers + b"".join(fields)


def _sequence() -> bytes:
    """The sequence parameter set (H.264, 7.3.2.1): Main profile, fields, output in coded order."""
    profile = f"{77:08b}{0:08b}{30:08b}" + _ue(0)
    order = _ue(0) + _ue(2) + _ue(1) + "0"
    size = _ue(MACROBLOCKS - 1) + _ue(MACROBLOCKS // 2 - 1)
    return _unit(0x67, profile + order + size + "00100")


def _picture_parameters() -> bytes:
    return _unit(0x68, _ue(0) + _ue(0) + "00" + 3 * _ue(0) + "000" + 3 * _ue(0) + "000")


def _field(number: int, level: int, *, is_bottom: bool) -> bytes:
    """A slice of all macroblocks of a field (H.264, 7.3.3 to 7.3.5)."""
    is_first = number == 0 and not is_bottom
    marking = _ue(0) + "00" if is_first else "0"
    bits = _ue(0) + _ue(7) + _ue(0) + f"{number % 16:04b}" + f"1{is_bottom:d}" + marking + _ue(0)
    for _ in range(MACROBLOCKS_OF_FIELD):
        bits += _ue(25)
        bits += "0" * (-len(bits) % 8) + 256 * f"{level:08b}" + 128 * f"{128:08b}"
    return _unit(0x65 if is_first else 0x41, bits)


def _unit(header: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    return b"\0\0\0\1" + bytes([header]) + int(bits, 2).to_bytes(len(bits) // 8)


def _ue(value: int) -> str:
    """An unsigned Exp-Golomb code (H.264, 9.1)."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits
