"""The picture sections of report.html, each with an explanation and the expected result."""

from collections.abc import Mapping, Sequence

import numpy as np

from avsync.evaluation import comparisons
from avsync.evaluation.lines import Line, Metrics
from avsync.reports import drawing, html
from avsync.reports.evaluation import clip_figures, figures, selection, wording
from avsync.reports.evaluation.figures import Views
from avsync.reports.text import capitalised, readable

# The clip score that frame scores are pooled to.
SCORE = "alignment"

# Frame scores by view and clip.
FrameScores = Mapping[tuple[str, str], Sequence[float]]


def render(views: Views, metrics: Metrics, frame_scores: FrameScores) -> str:
    """All sections with pictures, as HTML; sections without data are left out."""
    sections = [
        _trimming(views, metrics),
        _distributions(views, metrics),
        _roc(views, metrics),
        _lengths(views, metrics),
        _extremes(views, metrics, frame_scores),
    ]
    return "\n".join(section for section in sections if section)


def _trimming(views: Views, metrics: Metrics) -> str:
    pictures = []
    for score in selection.drawn_scores(metrics):
        if pairs := comparisons.paired_views(views, score):
            results = [metrics["views"][view][score] for view in views]
            effect = comparisons.trimming_effect(pairs, score)
            pictures.append(
                _panel(
                    drawing.to_png(clip_figures.draw_trimming(pairs, score)),
                    f"{capitalised(score)}: trimmed against original, one point per clip",
                    wording.trimming(effect, results)
                    + wording.subsampled(selection.step(len(pairs)), "clips of each manipulation"),
                )
            )
    if not pictures:
        return ""
    words = (
        "The score of each clip as recorded (horizontal) and with leading silence trimmed "
        "(vertical). A score that depends on lips and speech stays on the diagonal. A score that "
        "depends on the silence leaves it, for fakes more than for real clips, and its AUC falls."
    )
    return _section("Effect of trimming", words + _tables_only(metrics), pictures)


def _distributions(views: Views, metrics: Metrics) -> str:
    last_view, clips = list(views.items())[-1]
    scores = selection.drawn_scores(metrics)
    pictures = [
        _panel(
            drawing.to_png(figures.draw_score(views, score)),
            f"{capitalised(score)}, real and fake clips",
        )
        for score in scores
    ]
    if not all(clip.is_real for clip in clips):
        pictures.insert(
            1,
            _panel(
                drawing.to_png(figures.draw_categories(clips, scores[0])),
                f"{capitalised(scores[0])}, {last_view}, real clips and each category of fakes",
            ),
        )
    words = (
        "The share of real clips and of fakes at each score. A score that detects fakes separates "
        "the two in both views."
    )
    return _section("Score distributions", words, pictures)


def _roc(views: Views, metrics: Metrics) -> str:
    words = (
        "The share of fakes detected against the share of real clips called fake, over all "
        "thresholds: nearer to the upper left corner is better, the dotted line is chance. Where a "
        "dashed curve (original) lies above its solid curve (trimmed), the score relied on the "
        "leading silence."
    )
    png = drawing.to_png(figures.draw_roc(views, metrics))
    picture = html.picture(png, "ROC curves: dashed original, solid trimmed", "narrow")
    return html.section("ROC curves", html.paragraph(words) + picture)


def _lengths(views: Views, metrics: Metrics) -> str:
    view, clips = list(views.items())[-1]
    poolings = metrics["poolings"][view]
    real_clips = [clip for clip in clips if clip.is_real and clip.is_judged and clip.poolings]
    if not real_clips:
        return ""
    heading = "Dependence on clip length"
    if all(result["length_correlation"] is None for result in poolings.values()):
        lengths = {clip.num_frames for clip in real_clips}
        alike = f"are all {lengths.pop()} frames long" if len(lengths) == 1 else "score alike"
        words = (
            f"The {len(real_clips)} real clips of the {view} view {alike}, so the dependence of "
            "the scores on length cannot be measured."
        )
        return html.section(heading, html.paragraph(words))
    # The standard error of Spearman's correlation of independent variables is 1 / sqrt(n - 1).
    chance = 1.96 / np.sqrt(len(real_clips) - 1)
    words = (
        f"The {len(real_clips)} real clips of the {view} view by length and score, with Spearman's "
        "correlation above each panel. The black line joins the medians of five groups, from the "
        "shortest to the longest clips. It should be level: a score that grows with length calls "
        f"long clips fake. Correlations up to ±{chance:.2f} arise by chance with this many clips."
    )
    pooling = _pooling_in_use(clips)
    words += f" The pooling in use is {readable(pooling)}." if pooling else ""
    words += wording.subsampled(selection.step(len(real_clips)), "clips")
    description = f"Score against length of the real clips, {view}, one panel per pooling"
    png = drawing.to_png(clip_figures.draw_lengths(real_clips, poolings))
    return html.section(heading, html.paragraph(words) + html.picture(png, description, "narrow"))


def _extremes(views: Views, metrics: Metrics, frame_scores: FrameScores) -> str:
    view, clips = list(views.items())[-1]
    groups = selection.extremes([c for c in clips if frame_scores.get((view, c.clip_id))], SCORE)
    if not groups:
        return ""
    of_clip = {clip.clip_id: frame_scores[view, clip.clip_id] for g in groups for clip in g.clips}
    threshold, about_threshold = wording.threshold(metrics["calibration"])
    on_axis = np.concatenate([*of_clip.values(), [] if threshold is None else [threshold]])
    limits = drawing.limits(on_axis.astype(float))
    words = (
        f"Frame scores over time, {view}, all on one scale; forged segments are shaded. A fake "
        "should score high where it is forged and low elsewhere, a real clip low throughout. "
        + about_threshold
    )
    parts = [html.paragraph(words)]
    for heading, shown in groups:
        pictures = []
        for clip in shown:
            scores = of_clip[clip.clip_id]
            figure = clip_figures.draw_frame_scores(
                clip, scores, limits=limits, threshold=threshold
            )
            step = clip_figures.frames_per_point(len(scores))
            about_clip = wording.clip(clip, SCORE) + wording.highest_of(step)
            pictures.append(_panel(drawing.to_png(figure), clip.clip_id, about_clip))
        parts.append(html.subsection(heading, html.panels(pictures)))
    return html.section("Hardest and easiest clips", "".join(parts))


def _pooling_in_use(clips: Sequence[Line]) -> str:
    """The pooling that gave the alignment score; "" if none of them did."""
    pooled = [clip for clip in clips if clip.poolings and clip.score(SCORE) is not None]
    names = pooled[0].poolings if pooled else {}
    for name in names:
        if all(clip.poolings[name] == clip.scores[SCORE] for clip in pooled):
            return name
    return ""


def _tables_only(metrics: Metrics) -> str:
    drawn = selection.drawn_scores(metrics)
    left_out = [readable(score) for score in metrics["delta"] if score not in drawn]
    return f" In the tables only: {', '.join(left_out)}." if left_out else ""


def _section(heading: str, words: str, pictures: Sequence[str]) -> str:
    return html.section(heading, html.paragraph(words) + html.panels(pictures))


def _panel(png: bytes, description: str, words: str = "") -> str:
    return html.picture(png, description, "panel", words=words)
