"""The rates, sizes and levels that every clip is brought to; no other module defines them."""

FRAMES_PER_SECOND = 25
SAMPLE_RATE = 16_000

# One video frame is exactly this many audio samples, so that cutting whole frames from both streams
# keeps the A/V offset.
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND

# The mouth crop of AV-HuBERT (Shi et al., ICLR 2022): 96 x 96 pixels, 8-bit grey.
CROP_PIXELS = 96

# The model's input: the central 88 x 88 pixels of a mouth crop, as AV-HuBERT is evaluated.
INPUT_PIXELS = 88

# SyncNet's crop of a whole face, in colour.
FACE_PIXELS = 224

# One second: in less, most of the 31 offsets within +-0.6 s cannot be told apart. Shorter clips are
# not prepared, and the score of a clip that trimming leaves shorter means nothing.
MIN_FRAMES = FRAMES_PER_SECOND

# int16 full scale: waveforms are stored as int16 and mean x / 32768 in [-1, 1).
INT16_SCALE = 32_768

# Smeu et al. (CVPR 2025): sound starts at the first |x| > 5e-4. In int16 that is 16.384, so the
# comparison is exact in integers.
SILENCE_AMPLITUDE = 5e-4
SILENCE_LEVEL = int(SILENCE_AMPLITUDE * INT16_SCALE)

# No clip is searched for sound further away: 40 s, where the paper has 0.6 s.
MAX_REACH_FRAMES = 40 * FRAMES_PER_SECOND

# AV-HuBERT covers a frame with four windows of 400 samples at a hop of 160: the last one reaches
# this many samples beyond the frame.
LOOKAHEAD_SAMPLES = 240
