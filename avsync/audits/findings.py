"""A labelled split to its shortcuts, strongest first."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import roc_curve

from avsync.audits import measuring
from avsync.audits.base import Shortcut, Value
from avsync.audits.measuring import VIEWS, Measured
from avsync.audits.scores import score
from avsync.audits.strength import Strength, strengths
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.types import FAKE

# From fewer people, resampled, intervals come out too narrow; sources are resampled instead.
MIN_IDENTITIES = 30


class Finding(NamedTuple):
    """One shortcut of a dataset.

    kind: "number", "category" or "vector" (see avsync.audits.base).
    original, trimmed: of a number, with the sign that is the better one in the original view.
    scores: by view, of each clip; of a number the number itself.
    fake_if: whether fakes lie "above" or "below" `threshold`, where most reals and most fakes are
      told apart, both classes weighing alike; None for what is no number.
    categories: how many reals and how many fakes have which category.
    num_failed: clips that it could not be measured of for an error.
    """

    name: str
    shortcut: Shortcut
    kind: str
    original: Strength
    trimmed: Strength
    scores: dict[str, Float[np.ndarray, " n"]]
    fake_if: str | None
    threshold: float | None
    categories: dict[str, tuple[int, int]]
    num_failed: int

    @property
    def is_found(self) -> bool:
        """Whether it tells fakes from reals; what was learned wrongly from other clips does not."""
        return self.original.low is not None and self.original.low > 0.5


class Audit(NamedTuple):
    """All findings, strongest first, and the clips they were found on.

    groups: what intervals draw, a name a clip; `group_kind` says what they are.
    not_measured: shortcuts of which no clip of the split has a value.
    """

    findings: list[Finding]
    is_fake: Bool[np.ndarray, " n"]
    categories: list[str]
    manipulations: list[str]
    groups: list[str]
    group_kind: str
    not_measured: list[str]

    @property
    def found(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_found]


def audit(
    clips: Iterable[SoundClip],
    shortcuts: Mapping[str, Shortcut],
    *,
    others: Mapping[str, Iterable[Origin]],
) -> Audit:
    """What tells the fakes of a split from its reals; `others` are the clips of the other splits.

    ValueError if the split has no fake or no real clip.
    """
    measured = measuring.measure(clips, shortcuts, others=measuring.other_splits(others))
    is_fake = np.array(measured.labels) == FAKE
    if is_fake.all() or not is_fake.any():
        raise ValueError(
            f"{len(is_fake)} clips, and {'no real' if is_fake.any() else 'no fake'} among them: an "
            "audit compares reals with fakes; name a split that holds both"
        )
    group_kind, groups = _groups(measured.origins)
    known = {
        name: scores
        for name in shortcuts
        if (scores := _scores(measured, name, is_fake=is_fake, groups=groups))
    }
    by_view = {(name, view): known[name][1][view] for name in known for view in VIEWS}
    found = strengths(by_view, is_fake, groups=groups)
    findings = [
        _finding(
            (name, shortcuts[name]), *known[name], [found[name, view] for view in VIEWS],
            values=measured.values["original"][name], is_fake=is_fake,
            num_failed=measured.num_failed.get(name, 0),
        )
        for name in known
    ]  # fmt: skip
    # Of two that are as strong, the one that trimming removes first: it is the simpler story.
    findings.sort(key=lambda f: (-(f.original.auc or 0), f.trimmed.auc or 0, f.name))
    return Audit(
        findings=findings,
        is_fake=is_fake,
        categories=measured.categories,
        manipulations=measured.manipulations,
        groups=groups,
        group_kind=group_kind,
        not_measured=sorted(set(shortcuts) - set(known)),
    )


def _groups(origins: Sequence[Origin]) -> tuple[str, list[str]]:
    """What folds keep together and intervals draw, and its name."""
    identities = [origin.identity for origin in origins]
    if all(identities) and len(set(identities)) >= MIN_IDENTITIES:
        return "identities", identities
    return "source clips", [measuring.source_of(origin) for origin in origins]


def _scores(
    measured: Measured, name: str, *, is_fake: Bool[np.ndarray, " n"], groups: Sequence[str]
) -> tuple[str, dict[str, Float[np.ndarray, " n"]]] | None:
    """The kind and, by view, the scores; None if nothing was measured in the original view."""
    scored = {view: score(measured.values[view][name], is_fake, groups=groups) for view in VIEWS}
    if scored["original"] is None:
        return None
    missing = np.full(len(is_fake), np.nan)
    values = {view: missing if of is None else of.values for view, of in scored.items()}
    return scored["original"].kind, values


def _finding(
    named: tuple[str, Shortcut],
    kind: str,
    scores: dict[str, Float[np.ndarray, " n"]],
    found: Sequence[Strength],
    *,
    values: Sequence[Value],
    is_fake: Bool[np.ndarray, " n"],
    num_failed: int,
) -> Finding:
    original, trimmed = found
    fake_if = threshold = None
    if kind == "number" and original.auc is not None:
        fake_if = "above" if original.auc >= 0.5 else "below"
        threshold = _threshold(scores["original"], is_fake, fake_if=fake_if)
        if fake_if == "below":
            original, trimmed = original.mirrored(), trimmed.mirrored()
    categories = _counts(values, is_fake) if kind == "category" else {}
    return Finding(
        *named, kind, original, trimmed, scores, fake_if, threshold, categories, num_failed
    )


def _threshold(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"], *, fake_if: str
) -> float:
    """Half-way between the two neighbouring numbers that are best told apart."""
    known = np.isfinite(scores)
    sign = -1 if fake_if == "below" else 1
    values = sign * scores[known]
    false_alarms, hits, thresholds = roc_curve(is_fake[known], values, drop_intermediate=False)
    lowest_fake = thresholds[1:][np.argmax((hits - false_alarms)[1:])]
    below = values[values < lowest_fake]
    return float(sign * (lowest_fake + below.max()) / 2 if len(below) else sign * lowest_fake)


def _counts(values: Sequence[Value], is_fake: Bool[np.ndarray, " n"]) -> dict[str, tuple[int, int]]:
    """By category, the most frequent first: reals and fakes."""
    counts: dict[str, list[int]] = {}
    for value, of_fake in zip(values, is_fake, strict=True):
        if isinstance(value, str):
            counts.setdefault(value, [0, 0])[int(of_fake)] += 1
    ranked = sorted(counts.items(), key=lambda item: -sum(item[1]))
    return {name: (num_real, num_fake) for name, (num_real, num_fake) in ranked}
