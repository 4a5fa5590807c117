"""The audit of a labelled split: its shortcuts, strongest first."""

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

# A bootstrap over fewer identities gives intervals that are too narrow; sources are drawn instead.
MIN_IDENTITIES = 30

# Strengths by kind of fake, in nested dictionaries: field ("category" or "manipulation"), kind,
# view.
StrengthsByKind = dict[str, dict[str, dict[str, Strength]]]


class ShortcutResult(NamedTuple):
    """How well one shortcut separates real from fake clips.

    kind: "number", "category" or "vector" (see avsync.audits.base).
    original, trimmed: for a number, with the sign that is better in the original view.
    scores: by view, the scores of all clips; the values themselves for a number.
    fake_if: whether fakes lie "above" or "below" `threshold`, the cut with the best balanced
      accuracy; None unless the shortcut is a number.
    categories: by category, the numbers of real and of fake clips.
    num_failed: number of measurements that raised an error.
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
        """True if the AUC is above chance; a probe below chance has learned nothing useful."""
        return self.original.low is not None and self.original.low > 0.5


class Audit(NamedTuple):
    """The results of all shortcuts, strongest first, and the clips they were measured on.

    groups: one name per clip, the units of the bootstrap; `group_kind` names their kind.
    not_measured: shortcuts for which no clip of the split has a value.
    """

    results: list[ShortcutResult]
    is_fake: Bool[np.ndarray, " n"]
    categories: list[str]
    manipulations: list[str]
    groups: list[str]
    group_kind: str
    not_measured: list[str]

    @property
    def found(self) -> list[ShortcutResult]:
        return [result for result in self.results if result.is_found]

    @property
    def not_found(self) -> list[ShortcutResult]:
        return [result for result in self.results if not result.is_found]


def audit(
    clips: Iterable[SoundClip],
    shortcuts: Mapping[str, Shortcut],
    *,
    others: Mapping[str, Iterable[Origin]],
) -> Audit:
    """Audits the clips of one split; `others` are the origins of the clips of the other splits.

    Raises ValueError if the split lacks real or fake clips.
    """
    measured = measuring.measure(clips, shortcuts, others=measuring.other_splits(others))
    is_fake = np.array(measured.labels) == FAKE
    if is_fake.all() or not is_fake.any():
        raise ValueError(
            f"all {len(is_fake)} clips of the split are {'fake' if is_fake.any() else 'real'}; an "
            "audit compares real with fake clips: name a split that holds both"
        )
    group_kind, groups = _groups(measured.origins)
    scored = {
        name: scores
        for name in shortcuts
        if (scores := _scores(measured, name, is_fake=is_fake, groups=groups))
    }
    by_view = {(name, view): scored[name][1][view] for name in scored for view in VIEWS}
    strength_of = strengths(by_view, is_fake, groups=groups)
    results = [
        _result(
            (name, shortcuts[name]), *scored[name], [strength_of[name, view] for view in VIEWS],
            values=measured.values["original"][name], is_fake=is_fake,
            num_failed=measured.num_failed.get(name, 0),
        )
        for name in scored
    ]  # fmt: skip
    # Between equal AUCs, the shortcut that trimming weakens more comes first: it explains more.
    results.sort(key=lambda r: (-(r.original.auc or 0), r.trimmed.auc or 0, r.name))
    return Audit(
        results=results,
        is_fake=is_fake,
        categories=measured.categories,
        manipulations=measured.manipulations,
        groups=groups,
        group_kind=group_kind,
        not_measured=sorted(set(shortcuts) - set(scored)),
    )


def strengths_by_kind(audited: Audit, result: ShortcutResult) -> StrengthsByKind:
    """The strength of one shortcut for each kind of fake alone against all real clips."""
    sign = -1 if result.fake_if == "below" else 1
    by_kind: StrengthsByKind = {}
    fields = {"category": audited.categories, "manipulation": audited.manipulations}
    for field, kinds in fields.items():
        kind_of = np.array(kinds)
        names = sorted(set(kind_of[audited.is_fake].tolist()))
        scores = {
            (name, view): np.where(~audited.is_fake | (kind_of == name), sign * values, np.nan)
            for name in names
            for view, values in result.scores.items()
        }
        strength_of = strengths(scores, audited.is_fake, groups=audited.groups)
        by_kind[field] = {name: {view: strength_of[name, view] for view in VIEWS} for name in names}
    return by_kind


def _groups(origins: Sequence[Origin]) -> tuple[str, list[str]]:
    """Kind and names of the groups that folds keep together and the bootstrap draws."""
    identities = [origin.identity for origin in origins]
    if all(identities) and len(set(identities)) >= MIN_IDENTITIES:
        return "identities", identities
    return "source clips", [measuring.source_of(origin) for origin in origins]


def _scores(
    measured: Measured, name: str, *, is_fake: Bool[np.ndarray, " n"], groups: Sequence[str]
) -> tuple[str, dict[str, Float[np.ndarray, " n"]]] | None:
    """Kind and scores by view; None if no clip has a value in the original view."""
    scored = {view: score(measured.values[view][name], is_fake, groups=groups) for view in VIEWS}
    if scored["original"] is None:
        return None
    missing = np.full(len(is_fake), np.nan)
    values = {view: missing if s is None else s.values for view, s in scored.items()}
    return scored["original"].kind, values


def _result(
    named: tuple[str, Shortcut],
    kind: str,
    scores: dict[str, Float[np.ndarray, " n"]],
    by_view: Sequence[Strength],
    *,
    values: Sequence[Value],
    is_fake: Bool[np.ndarray, " n"],
    num_failed: int,
) -> ShortcutResult:
    original, trimmed = by_view
    fake_if = threshold = None
    if kind == "number" and original.auc is not None:
        fake_if = "above" if original.auc >= 0.5 else "below"
        threshold = _threshold(scores["original"], is_fake, fake_if=fake_if)
        if fake_if == "below":
            original, trimmed = original.mirrored(), trimmed.mirrored()
    categories = _counts(values, is_fake) if kind == "category" else {}
    return ShortcutResult(
        *named, kind, original, trimmed, scores, fake_if, threshold, categories, num_failed
    )


def _threshold(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"], *, fake_if: str
) -> float:
    """The cut with the best balanced accuracy, midway between its two neighbouring values."""
    known = np.isfinite(scores)
    sign = -1 if fake_if == "below" else 1
    values = sign * scores[known]
    false_alarms, hits, thresholds = roc_curve(is_fake[known], values, drop_intermediate=False)
    lowest_fake = thresholds[1:][np.argmax((hits - false_alarms)[1:])]
    below = values[values < lowest_fake]
    return float(sign * (lowest_fake + below.max()) / 2 if len(below) else sign * lowest_fake)


def _counts(values: Sequence[Value], is_fake: Bool[np.ndarray, " n"]) -> dict[str, tuple[int, int]]:
    """Numbers of real and of fake clips by category, most frequent first."""
    counts: dict[str, list[int]] = {}
    for value, label in zip(values, is_fake, strict=True):
        if isinstance(value, str):
            counts.setdefault(value, [0, 0])[int(label)] += 1
    ranked = sorted(counts.items(), key=lambda item: -sum(item[1]))
    return {name: (num_real, num_fake) for name, (num_real, num_fake) in ranked}
