"""A copy of a scorer, calibrated on a user's own real videos, and its false alarms by group."""

import functools
import json
import shutil
import sys
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from avsync import checkpoint, weights
from avsync.adaptation import begun, plan, stages
from avsync.adaptation.begun import Evaluation, Request
from avsync.adaptation.outcome import RATE, SCORE, VIEW
from avsync.adaptation.stages import Stages
from avsync.evaluation.lines import SCORES_FILE, Line, read_lines
from avsync.files import atomic_write, file_lock
from avsync.metrics.calibration import exact_interval
from avsync.names import shown_text
from avsync.types import GROUP

GROUPS, REPORT = "groups.json", "calibrate"


class Alarms(NamedTuple):
    """False alarms among the real videos of a group, with the exact 95% interval of their rate.

    Each video is compared with all others, as if it were not among the calibration clips.
    """

    num_alarms: int
    num_reals: int
    low: float
    high: float


def calibrate(request: Request) -> dict[str, Alarms]:
    """Makes `request.scorer`, calibrated on all videos; returns the alarms by group, "" for all.

    What is there is kept if the content of the videos, their talkers and groups, the scorer and the
    reading are the same, and made anew otherwise. ValueError if the videos are too few.
    """
    workdir, step = checkpoint.find(request.checkpoint)
    # Not only its place: it may be trained further.
    digest = weights.fingerprint({}, checkpoint.load_params(workdir, step))
    known = request._replace(config=f"calibration of {digest}")
    divide = functools.partial(plan.calibrate_only, source=request.source)
    with file_lock(request.out / "adapt.lock"):
        try:
            planned = begun.planned(known, divide)
        except begun.Changed as change:
            print(shown_text(f"calibrating anew: {change}"), file=sys.stderr)
            _clear(request)
            planned = begun.planned(known, divide)
        own = Stages(request.out)
        own.do(begun.START, lambda: begun.copy_scorer(request))
        begun.prepare(request, own)
        counts, rejects = begun.prepared(request, planned)
        plan.require_enough({plan.TEST: plan.MIN_TEST, **counts}, rejects=rejects)
        Evaluation(request.out, own).calibrate(REPORT, request.scorer)
        found = false_alarms(read_lines(request.out / REPORT / SCORES_FILE))
        content = {name: alarms._asdict() for name, alarms in found.items()}
        atomic_write(request.out / GROUPS, json.dumps(content, indent=2) + "\n")
        return found


def false_alarms(lines: Iterable[Line]) -> dict[str, Alarms]:
    """The alarms at a threshold for 5% false alarms: of all real videos, as "", and by group."""
    judged = [x for x in lines if x.view == VIEW and x.is_real and x.score(SCORE) is not None]
    scores = np.array([line.score(SCORE) for line in judged], float)
    # The p-value of each video among the others: the share, itself included, that scores as high.
    num_lower = np.searchsorted(np.sort(scores), scores)
    p_values = (len(scores) - num_lower) / len(scores)
    is_alarm = p_values <= float(RATE)
    groups = np.array([line.attributes.get(GROUP, "") for line in judged])
    found = {"": _alarms(is_alarm)}
    for name in sorted(set(groups.tolist()) - {""}):
        found[name] = _alarms(is_alarm[groups == name])
    return found


def _alarms(is_alarm: Bool[np.ndarray, " n"]) -> Alarms:
    num_alarms, num_reals = int(is_alarm.sum()), len(is_alarm)
    return Alarms(num_alarms, num_reals, *exact_interval(num_alarms, num_reals))


def _clear(request: Request) -> None:
    for name in (begun.START, begun.DATA, REPORT, stages.LOGS):
        shutil.rmtree(request.out / name, ignore_errors=True)
    for name in (begun.PLAN, begun.MANIFEST, stages.FILE, GROUPS):
        (request.out / name).unlink(missing_ok=True)
