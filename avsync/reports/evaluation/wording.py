"""How the terminal and the page write the same numbers."""

from avsync.evaluation.lines import VIEWS, Metrics

# The scores that tell the story, in the order of telling; others are in the tables.
HEADLINE_SCORES = {"leading_silence": "leading silence alone", "alignment": "alignment"}


def readable(name: str) -> str:
    """A name of the files as a reader writes it."""
    return name.replace("_", " ")


def title(name: str) -> str:
    """A name as it begins a line; what is written large in it, stays so."""
    text = readable(name)
    return text[:1].upper() + text[1:]


def headline(metrics: Metrics) -> str:
    """The finding in a sentence: AUC of the telling scores, original → trimmed."""
    views = metrics["views"]
    known = list(metrics["delta"])
    telling = [score for score in HEADLINE_SCORES if score in known] or known
    parts = [
        f"of {HEADLINE_SCORES.get(score, readable(score))}: "
        + " → ".join(_two_digits(results[score]) for results in views.values())
        for score in telling
    ]
    # Only a pair of views has a before and an after.
    parts[0] += " when trimmed" if len(views) == len(VIEWS) else f" ({next(iter(views))} view)"
    return f"AUC {'; '.join(parts)}."


def estimate(numbers: Metrics, name: str) -> str:
    """ "0.972 [0.954, 0.988]", or why there is none; `name` is "auc", "auc_drop", "eer" ...."""
    value, low, high = (numbers[key] for key in (name, f"{name}_low", f"{name}_high"))
    if value is None:
        return f"n/a: {numbers['note']}"
    # z: a drop of -0.0001 is written 0.000, not -0.000.
    return f"{value:z.3f}" if low is None else f"{value:z.3f} [{low:z.3f}, {high:z.3f}]"


def auc_over_identities(result: Metrics) -> str:
    """ "0.972 [0.921, 0.998], n = 34", or why there is no interval."""
    over_identities = result["over_identities"]
    if over_identities is None:
        return "n/a: speakers unknown"
    interval = estimate({**over_identities, "auc": result["auc"]}, "auc")
    return f"{interval}, n = {over_identities['num_identities']}"


def num_clips(result: Metrics) -> str:
    """ "100 / 400", reals before fakes."""
    return f"{result['num_real']} / {result['num_fake']}"


def offsets(offset: Metrics) -> str:
    """How far the sound of the reals lies from their picture."""
    if not offset["num_real"]:
        return "n/a: no real clip was measured"
    return (
        f"within 1 frame {offset['within_1_frame']:.1%}, exact {offset['exact']:.1%}, "
        f"median {offset['median_frames']:g} frames, n = {offset['num_real']}"
    )


def unscored(metrics: Metrics) -> list[str]:
    """A sentence for every score and view that lacks clips."""
    return [
        f"{readable(score)}, {view}: {result['num_unscored']} of {_total(result)} clips unscored"
        for view, results in metrics["views"].items()
        for score, result in results.items()
        if result["num_unscored"]
    ]


def statuses(number_by_status: dict[str, int]) -> str:
    """ "799 ok, 1 all_silent", the most frequent first."""
    by_number = sorted(number_by_status.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {status}" for status, number in by_number)


def correlation(value: float | None) -> str:
    """ "+0.31", or why there is none."""
    return "n/a: constant" if value is None else f"{value:+z.2f}"


def _total(result: Metrics) -> int:
    return result["num_real"] + result["num_fake"] + result["num_unscored"]


def _two_digits(result: Metrics) -> str:
    return f"n/a ({result['note']})" if result["auc"] is None else f"{result['auc']:.2f}"
