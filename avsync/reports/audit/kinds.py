"""The strongest findings, for each kind of fakes alone against all reals."""

import numpy as np

from avsync.audits.findings import Audit, Finding
from avsync.audits.measuring import VIEWS
from avsync.audits.strength import Strength, strengths

# Findings beyond these are in the tables, without their kinds and without a picture.
MAX_TOLD = 6

# By finding, by "category" or "manipulation", by kind, by view.
Kinds = dict[str, dict[str, dict[str, dict[str, Strength]]]]


def kinds_of_fakes(audited: Audit) -> Kinds:
    """The strength of what was found, for each kind of fakes; of the strongest findings alone."""
    fields = {"category": audited.categories, "manipulation": audited.manipulations}
    return {
        finding.name: {
            field: _by_kind(audited, finding, np.array(kinds)) for field, kinds in fields.items()
        }
        for finding in audited.found[:MAX_TOLD]
    }


def _by_kind(audited: Audit, finding: Finding, kinds: np.ndarray) -> dict[str, dict[str, Strength]]:
    sign = -1 if finding.fake_if == "below" else 1
    names = sorted(set(kinds[audited.is_fake].tolist()))
    scores = {
        (name, view): np.where(~audited.is_fake | (kinds == name), sign * of_view, np.nan)
        for name in names
        for view, of_view in finding.scores.items()
    }
    found = strengths(scores, audited.is_fake, groups=audited.groups)
    return {name: {view: found[name, view] for view in VIEWS} for name in names}
