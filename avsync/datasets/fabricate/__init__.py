"""Fakes made from real clips, for evaluation and for supervised baselines; one manipulation a file.

`avsync.lookup.load("datasets.fabricate", name)` finds a manipulation by its name. All of them have
one signature:

    fabricate(clip, donor, rng, **params) -> Clip

`clip` is a real one and `donor` another real clip, whose sound is borrowed. The fake is called
`<clip_id>+<manipulation>`, names its source, and lists its forged stretches in seconds of its own
time. What a manipulation does not forge it hands on untouched, byte for byte, or cut. `donor` and
`rng` are there for all, so that a caller need not know which manipulation draws on them.

`leading_silence` is no manipulation: it plants the shortcut of public datasets in any clip.
"""


class CannotFabricate(ValueError):
    """This clip cannot carry this manipulation: too short, or no speech to forge.

    A dataset skips that one fake, counts it, and says how many it skipped.
    """
