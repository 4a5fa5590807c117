# %% [markdown]
# # Score a video from Python
#
# Run as a script, `python launch/score_a_video.py my.mp4`, or cell by cell in an editor that knows
# `# %%` cells. The first file takes a few seconds more, to compile the model.

# %%
import sys

import matplotlib.pyplot as plt

import avsync
from avsync.scoring import smoothed

PATH = sys.argv[1]  # in a notebook: the path of a video

# %% The shipped scorer. `load_scorer("runs/mine")` takes your own checkpoint instead.
scorer = avsync.load_scorer(false_alarm_rate=0.05)

# %% A file that cannot be scored has a status that says why, and no score.
result = scorer.score(PATH)
print(f"{result.path}: {result.status}, {result.message}")
if not result.is_scored:
    sys.exit(1)

# %% Scores grow with fakeness; the p-value compares them with held-out real clips.
print(f"score {result.score:.2f}, p = {result.p_value}, verdict {result.verdict}")
if result.offset_is_certain:
    print(f"A/V offset {result.offset_seconds:+.2f} s (positive: sound late)")
for segment in result.segments:
    print(f"suspicious: {segment.start:.2f} s to {segment.end:.2f} s, score {segment.score:.2f}")
for face in result.faces:
    print(f"face at {face.box}, {face.start:.2f} s to {face.end:.2f} s: {face.status}")

# %% Means of frame scores over 0.4 s of speech: few reference clips exceed the threshold anywhere.
figure, axes = plt.subplots()
axes.plot(result.frame_times, smoothed(result.frame_scores))
if scorer.reference.frame_threshold is not None:
    axes.axhline(scorer.reference.frame_threshold, linestyle="--")
axes.set(xlabel="time (s)", ylabel="mismatch score")
plt.show()
