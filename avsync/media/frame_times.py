"""Times of the frames in a container that states only the order of decoding."""

import heapq

# A frame is never shown before one that is decoded this much earlier: x264 allows 16 B frames.
MAX_REORDERED_FRAMES = 32


class FrameTimes:
    """The k-th frame shown takes the k-th smallest decoding time, in ticks of the stream.

    A packet need not give a frame. It may be damaged, it may refer to frames that are missing, or
    it may say that the picture stands (DivX and XviD write such). Decoders drop most of these
    without an error. Each takes its time with it: otherwise, all later frames would be early. A
    lost B frame is noticed at the next frame of type I or P; until then, frames are one early.
    """

    def __init__(self) -> None:
        self._num_sent = 0
        self._times: list[int] = []  # of the packets whose frames have not been shown, as a heap
        self._unshown: set[int] = set()  # their numbers

    def send(self, decoding_ticks: int) -> int:
        """Takes the time of the next packet with data; returns the number of the packet."""
        number = self._num_sent
        self._num_sent += 1
        heapq.heappush(self._times, decoding_ticks)
        self._unshown.add(number)
        return number

    def show(self, number: int | None, *, is_bidirectional: bool) -> int | None:
        """The time of the next frame shown, that of packet `number`; None if no time is left.

        `is_bidirectional` marks B frames. Without a number, no lost frames are recognized.
        """
        if number is not None:
            self._skip_lost(number, is_bidirectional=is_bidirectional)
            self._unshown.discard(number)
        return heapq.heappop(self._times) if self._times else None

    def _skip_lost(self, number: int, *, is_bidirectional: bool) -> None:
        # All that is decoded before a frame of type I or P is shown before it. A B frame is shown
        # before one that is decoded earlier, and says nothing about the last few packets.
        first_possible = number - MAX_REORDERED_FRAMES if is_bidirectional else number
        lost = [unshown for unshown in self._unshown if unshown < first_possible]
        self._unshown.difference_update(lost)
        for _ in lost[: len(self._times) - 1]:
            heapq.heappop(self._times)
