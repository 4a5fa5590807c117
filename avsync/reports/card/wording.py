"""The sentences of a card."""

from avsync.reports.card.contents import CLASSES, SEED, Contents, class_of

LENGTHS = "Clips by their length; shares of each class"
SILENCE = "Clips by the silence before their first sound; shares of each class"


def headline(contents: Contents) -> str:
    """How much there is, in one line."""
    about = "about " if contents.is_sampled else ""
    hours = sum(split.hours() for split in contents.splits)
    classes = [sum(split.tally(class_of)[label] for split in contents.splits) for label in CLASSES]
    of_each = " and ".join(
        f"{about}{n:,} {label}" for n, label in zip(classes, CLASSES, strict=True)
    )
    splits = "1 split" if len(contents.splits) == 1 else f"{len(contents.splits)} splits"
    return f"{contents.num_clips:,} clips in {splits}, {about}{hours:.2f} hours: {of_each}."


def sampling(contents: Contents) -> str:
    """What the numbers are of."""
    if not contents.is_sampled:
        return "All clips were looked at. A clip that is in two splits counts in both."
    return (
        f"Of splits with more clips, {contents.max_clips:,} drawn at random (seed {SEED}) were "
        "looked at: what stands behind ≈ is an estimate from these, within 5 % of a split's clips "
        "in 19 of 20 cards; the numbers of clips are exact. A clip that is in two splits counts in "
        "both."
    )
