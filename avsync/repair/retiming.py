"""New times for the packets of a stream: all later or earlier, or stretched about a fixed time."""

from fractions import Fraction
from typing import Any, NamedTuple

import av

from avsync.repair.content import StreamContent

# Stretched times are rounded to the clock of MPEG. A file may count in frames, and no whole frame
# comes of a stretch by some parts in a thousand.
TICK = Fraction(1, 90_000)

# FFmpeg holds a frame rate as two numbers of 32 bits.
MAX_RATE_DENOMINATOR = 1_000_000

# Finer than the 33 bits of that clock over a day.
MAX_DENOMINATOR = 1_000_000_000


class Retiming(NamedTuple):
    """What lies t seconds after `fixed_seconds` lies (1 + stretch) · t + later_seconds after it.

    stretch: 0.001 makes a minute 60 ms longer; 0 only moves the stream.
    """

    later_seconds: Fraction
    stretch: Fraction = Fraction(0)
    fixed_seconds: Fraction = Fraction(0)

    def new_seconds(self, seconds: Fraction) -> Fraction:
        """The new place of a time."""
        return seconds + self.later_seconds + self.stretch * (seconds - self.fixed_seconds)

    def change(self, packet: av.Packet) -> None:
        """Gives the packet its new times."""
        base = packet.time_base
        if not self.stretch:
            ticks = round(self.later_seconds / base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
            return
        # Both times grow as the old ones did, so that packets stay in order.
        packet.pts = None if packet.pts is None else self._ticks(packet.pts * base)
        packet.dts = None if packet.dts is None else self._ticks(packet.dts * base)
        packet.duration = round((packet.duration or 0) * base * (1 + self.stretch) / TICK)
        packet.time_base = TICK

    def new_rate(self, rate: Fraction) -> Fraction:
        """The frames per second of a picture that had `rate`."""
        if not self.stretch:
            return rate
        return (rate / (1 + self.stretch)).limit_denominator(MAX_RATE_DENOMINATOR)

    def of_chapter(self, chapter: Any) -> Any:
        """A chapter, as PyAV gives it, at its new place."""
        base = TICK if self.stretch else chapter["time_base"]
        start, end = (
            round(self.new_seconds(chapter[name] * chapter["time_base"]) / base)
            for name in ("start", "end")
        )
        return chapter | {"start": start, "end": end, "time_base": base}

    def stretched(self, content: StreamContent) -> StreamContent:
        """The content as it is to be but for `later_seconds`."""
        times, stretch, fixed = content.times, float(self.stretch), float(self.fixed_seconds)
        return content._replace(
            times=times + stretch * (times - fixed),
            end_seconds=content.end_seconds + stretch * (content.end_seconds - fixed),
        )

    def _ticks(self, seconds: Fraction) -> int:
        return round(self.new_seconds(seconds) / TICK)


def fraction(value: float) -> Fraction:
    """A stretch or a time as a short fraction."""
    return Fraction(value).limit_denominator(MAX_DENOMINATOR)
