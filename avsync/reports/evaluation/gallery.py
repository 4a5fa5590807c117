"""The pictures of report.html, each with what it shows, what it should look like, and its n."""

from collections.abc import Mapping, Sequence

import numpy as np

from avsync.evaluation.lines import Line, Metrics
from avsync.reports import drawing, html
from avsync.reports.evaluation import captions, curves, figures, lengths, moves, selection, wording
from avsync.types import REAL

# What the scores of frames are pooled to.
SCORE = "alignment"

Views = Mapping[str, Sequence[Line]]

# By view and clip, the scores of the frames.
Frames = Mapping[tuple[str, str], Sequence[float]]


def render(views: Views, metrics: Metrics, frames: Frames) -> str:
    """The sections of pictures, as HTML; those that there is nothing for are left out."""
    sections = [
        _moves(views, metrics),
        _distributions(views, metrics),
        _roc(views, metrics),
        _lengths(views, metrics),
        _exemplars(views, metrics, frames),
    ]
    return "\n".join(section for section in sections if section)


def _moves(views: Views, metrics: Metrics) -> str:
    pictures = []
    for score in selection.drawn_scores(metrics):
        if pairs := moves.pairs(views, score):
            results = [metrics["views"][view][score] for view in views]
            pictures.append(
                _picture(
                    drawing.to_png(moves.draw(pairs, score)),
                    f"{wording.title(score)}: trimmed against original, a point a clip",
                    captions.moved(moves.measure(pairs, score), results)
                    + captions.drawn(selection.every(len(pairs)), "clip of each manipulation"),
                )
            )
    if not pictures:
        return ""
    text = (
        "Each clip with its score as it is (across) and with the leading silence cut (up). What a "
        "score reads off lips and speech stays where it was, on the diagonal. A score that feeds "
        "on the silence leaves it, the fakes otherwise than the reals, and its AUC falls."
    )
    return _section("What trimming changes", text + _not_drawn(metrics), pictures)


def _distributions(views: Views, metrics: Metrics) -> str:
    last_view, clips = list(views.items())[-1]
    scores = selection.drawn_scores(metrics)
    pictures = [
        _picture(
            drawing.to_png(figures.draw_score(views, score)),
            f"{wording.title(score)}, over reals and over fakes",
        )
        for score in scores
    ]
    if any(clip["label"] != REAL for clip in clips):
        pictures.insert(
            1,
            _picture(
                drawing.to_png(figures.draw_categories(clips, scores[0])),
                f"{wording.title(scores[0])}, {last_view}, reals and each category of fakes",
            ),
        )
    text = (
        "The share of the reals, and of the fakes, that have about this score. A score that "
        "detects keeps the two apart in both views."
    )
    return _section("How scores are distributed", text, pictures)


def _roc(views: Views, metrics: Metrics) -> str:
    text = (
        "Fakes found against reals falsely called fake, as the threshold falls: the nearer to the "
        "upper left corner the better; the dotted line is chance. Where a dashed curve (original) "
        "lies above its solid one (trimmed), what was detected was in the leading silence."
    )
    png = drawing.to_png(figures.draw_roc(views, metrics))
    picture = html.picture(png, "ROC curves: dashed original, solid trimmed", "narrow")
    return html.section("ROC curves", html.paragraph(text) + picture)


def _lengths(views: Views, metrics: Metrics) -> str:
    view, clips = list(views.items())[-1]
    poolings = metrics["poolings"][view]
    reals = lengths.of_reals(clips)
    if not reals:
        return ""
    heading = "Does a score grow with length?"
    if all(found["length_correlation"] is None for found in poolings.values()):
        lengths_found = {clip["num_frames"] for clip in reals}
        alike = (
            f"are all {lengths_found.pop()} frames long"
            if len(lengths_found) == 1
            else "score alike"
        )
        text = (
            f"The {len(reals)} reals of the {view} view {alike}: whether scores grow with length "
            "cannot be seen here."
        )
        return html.section(heading, html.paragraph(text))
    # The standard error of Spearman's correlation where there is none is 1 / sqrt(n - 1).
    chance = 1.96 / np.sqrt(len(reals) - 1)
    used = lengths.in_use(clips)
    text = (
        f"The {len(reals)} reals of the {view} view, by length and score; above each picture, "
        "Spearman's correlation. The black line joins the medians of the shortest to the longest "
        "fifth; it should be level, for a score that rises with length takes long clips for fake. "
        f"Chance alone makes correlations up to ±{chance:.2f} with so many clips."
    )
    in_use = f" The pooling in use is {wording.readable(used)}." if used else ""
    text += in_use + captions.drawn(selection.every(len(reals)), "real")
    description = f"Score against length of the reals, {view}, a panel a pooling"
    png = drawing.to_png(lengths.draw(clips, poolings))
    return html.section(heading, html.paragraph(text) + html.picture(png, description, "narrow"))


def _exemplars(views: Views, metrics: Metrics, frames: Frames) -> str:
    view, clips = list(views.items())[-1]
    groups = selection.exemplars([c for c in clips if frames.get((view, c["clip_id"]))], SCORE)
    if not groups:
        return ""
    of_clip = {clip["clip_id"]: frames[view, clip["clip_id"]] for g in groups for clip in g.clips}
    threshold, about_threshold = captions.threshold(metrics["calibration"])
    on_axis = np.concatenate([*of_clip.values(), [] if threshold is None else [threshold]])
    limits = drawing.limits(on_axis.astype(float))
    text = (
        f"The frames of single clips, {view}, all on one scale. Shaded: what is forged. A fake "
        "should be high where it is forged and low elsewhere, a real low throughout. "
        + about_threshold
    )
    parts = [html.paragraph(text)]
    for heading, shown in groups:
        pictures = []
        for clip in shown:
            scores = of_clip[clip["clip_id"]]
            figure = curves.draw(clip, scores, limits=limits, threshold=threshold)
            step = curves.frames_a_point(len(scores))
            words = captions.clip(clip, SCORE) + captions.highest(step)
            pictures.append(_picture(drawing.to_png(figure), clip["clip_id"], words))
        parts.append(html.subsection(heading, html.panels(pictures)))
    return html.section("Clips at the ends", "".join(parts))


def _not_drawn(metrics: Metrics) -> str:
    drawn = selection.drawn_scores(metrics)
    left_out = [wording.readable(score) for score in metrics["delta"] if score not in drawn]
    return f" Only in the tables: {', '.join(left_out)}." if left_out else ""


def _section(heading: str, text: str, pictures: Sequence[str]) -> str:
    return html.section(heading, html.paragraph(text) + html.panels(pictures))


def _picture(png: bytes, description: str, words: str = "") -> str:
    return html.picture(png, description, "panel", words=words)
