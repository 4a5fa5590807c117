"""GRID's word alignments: which word is said when, a file for each clip."""

from pathlib import Path

# The times of an alignment are in these units of a second (Cooke et al., JASA 2006).
UNITS_PER_SECOND = 25_000

SILENCE = ("sil", "sp")

Word = tuple[float, float, str]


def read_words(path: Path) -> list[Word]:
    """(start, end, word) in seconds of the raw file; silence is left out.

    ValueError if a line is not `start end word`.
    """
    words = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            start, end, word = line.split()
            spoken = (int(start) / UNITS_PER_SECOND, int(end) / UNITS_PER_SECOND, word)
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: expected `start end word`, such as `23750 29500 bin`, "
                f"found {line!r}"
            ) from error
        if word not in SILENCE:
            words.append(spoken)
    return words
