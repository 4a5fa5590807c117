"""One clip under two names: it would count twice, and may be in two splits of somebody's own."""

from collections.abc import Iterable, Iterator

from avsync.input_pipeline.gates.findings import DROP, Finding


def judge(digests: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
    """All but the first of the clips that are the same in every pixel and every sample."""
    first: dict[bytes, str] = {}
    for number, (clip_id, digest) in enumerate(digests):
        original = first.setdefault(digest, clip_id)
        if original != clip_id:
            reason = f"its pixels and samples are those of {original}"
            yield Finding(number, clip_id, gate="duplicates", action=DROP, reason=reason)
