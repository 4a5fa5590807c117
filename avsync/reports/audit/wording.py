"""Sentences and number formats that the terminal table and the HTML report share."""

from avsync.audits.results import Audit, ShortcutResult
from avsync.audits.strength import MIN_GROUPS, Strength

# The headline names at most this many shortcuts.
MAX_NAMED = 3


def readable(name: str) -> str:
    """The name of a shortcut as prose: underscores become spaces."""
    return name.replace("_", " ")


def headline(audited: Audit) -> str:
    """One sentence: the shortcuts that a model could use, none found, or too few clips."""
    found = audited.found
    num_intervals = sum(result.original.low is not None for result in audited.results)
    if not num_intervals:
        return (
            f"Too few clips to tell: {clips(audited)}; a confidence interval needs real and fake "
            f"clips from at least {MIN_GROUPS} {audited.group_kind}."
        )
    if not found:
        return (
            f"No shortcut found: the intervals of all {num_intervals} shortcuts include an AUC of "
            f"0.5 ({clips(audited)})."
        )
    named = [f"{_noun_phrase(result)} (AUC {_both_views(result)})" for result in found[:MAX_NAMED]]
    more = f", and {len(found) - len(named)} more" if len(found) > len(named) else ""
    count = "1 shortcut separates" if len(found) == 1 else f"{len(found)} shortcuts separate"
    return f"{count} fake from real clips: {', '.join(named)}{more}."


def clips(audited: Audit) -> str:
    """The size of the split, such as "60 real and 540 fake clips"."""
    num_fake = int(audited.is_fake.sum())
    return f"{len(audited.is_fake) - num_fake} real and {num_fake} fake clips"


def estimate(strength: Strength) -> str:
    """AUC with its interval, such as "0.972 [0.954, 0.988]"; without one, or n/a, if unknown."""
    if strength.auc is None:
        return f"n/a: {strength.note}"
    if strength.low is None:
        return f"{strength.auc:.3f}"
    return f"{strength.auc:.3f} [{strength.low:.3f}, {strength.high:.3f}]"


def fake_if(result: ShortcutResult) -> str:
    """The side of the threshold on which fakes lie, such as "above 0.0203 s"; "" if none."""
    if result.fake_if is None or result.threshold is None:
        return ""
    return f"{result.fake_if} {result.threshold:.4g} {result.shortcut.unit}".rstrip()


def num_clips(strength: Strength) -> str:
    """Numbers of real and fake clips, such as "100 / 400"."""
    return f"{strength.num_real} / {strength.num_fake}"


def failures(audited: Audit) -> list[str]:
    """One sentence for each shortcut whose measurement failed on some clips."""
    return [
        f"{readable(result.name)}: {result.num_failed} measurements failed; the log names the clips"
        for result in audited.results
        if result.num_failed
    ]


def _noun_phrase(result: ShortcutResult) -> str:
    if result.kind == "vector":
        return f"a {result.shortcut.description}"
    return readable(result.name)


def _both_views(result: ShortcutResult) -> str:
    original, trimmed = result.original, result.trimmed
    if trimmed == original:
        return f"{original.auc:.3f}, trimmed or not"
    after = "unknown" if trimmed.auc is None else f"{trimmed.auc:.3f}"
    return f"{original.auc:.3f}, {after} when trimmed"
