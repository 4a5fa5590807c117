"""How the terminal and the page write what was found."""

from avsync.audits.findings import Audit, Finding
from avsync.audits.strength import MIN_GROUPS, Strength

MAX_NAMED = 3


def readable(name: str) -> str:
    """A name of the files as a reader writes it."""
    return name.replace("_", " ")


def headline(audited: Audit) -> str:
    """What would fool a model, in one sentence."""
    found = audited.found
    if not any(finding.original.low is not None for finding in audited.findings):
        return (
            f"Too few clips to tell: {clips(audited)}, and an interval needs reals and fakes of at "
            f"least {MIN_GROUPS} {audited.group_kind}."
        )
    if not found:
        num_intervals = sum(finding.original.low is not None for finding in audited.findings)
        return (
            "Nothing measured here tells fakes from reals: the intervals of all "
            f"{num_intervals} shortcuts hold an AUC of 0.5 ({clips(audited)})."
        )
    named = [
        f"{_what(finding)} alone (AUC {_before_and_after(finding)})"
        for finding in found[:MAX_NAMED]
    ]
    more = f", and by {len(found) - len(named)} more" if len(found) > len(named) else ""
    return f"A model can tell fakes from reals by {', by '.join(named)}{more}."


def clips(audited: Audit) -> str:
    """ "60 real and 540 fake clips"."""
    num_fake = int(audited.is_fake.sum())
    return f"{len(audited.is_fake) - num_fake} real and {num_fake} fake clips"


def estimate(strength: Strength) -> str:
    """ "0.972 [0.954, 0.988]", or the AUC alone, or why there is none."""
    if strength.auc is None:
        return f"n/a: {strength.note}"
    if strength.low is None:
        return f"{strength.auc:.3f}"
    return f"{strength.auc:.3f} [{strength.low:.3f}, {strength.high:.3f}]"


def fake_if(finding: Finding) -> str:
    """ "above 0.0203 s": on which side of the threshold fakes lie; "" for what is no number."""
    if finding.fake_if is None or finding.threshold is None:
        return ""
    return f"{finding.fake_if} {finding.threshold:.4g} {finding.shortcut.unit}".rstrip()


def num_clips(strength: Strength) -> str:
    """ "100 / 400", reals before fakes."""
    return f"{strength.num_real} / {strength.num_fake}"


def failures(audited: Audit) -> list[str]:
    """A sentence for every shortcut that could not be measured of some clips."""
    return [
        f"{readable(finding.name)} failed {finding.num_failed} times, on clips named in the log"
        for finding in audited.findings
        if finding.num_failed
    ]


def _what(finding: Finding) -> str:
    if finding.kind == "vector":
        return f"a {finding.shortcut.description}"
    return readable(finding.name)


def _before_and_after(finding: Finding) -> str:
    original, trimmed = finding.original, finding.trimmed
    if trimmed == original:
        return f"{original.auc:.3f}, trimmed or not"
    after = "not known" if trimmed.auc is None else f"{trimmed.auc:.3f}"
    return f"{original.auc:.3f}, {after} when trimmed"
