"""The clock and the canvas every clip is brought to; these numbers are written nowhere else."""

FRAMES_PER_SECOND = 25
SAMPLE_RATE = 16_000

# One video frame is exactly this many audio samples, so that whatever is cut in whole frames
# leaves sound and picture where they were.
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND

# The mouth crop of AV-HuBERT (Shi et al., ICLR 2022): 96 x 96 pixels, 8-bit grey.
CROP_PIXELS = 96

# A second: with less, most of the 31 offsets of +-0.6 s cannot be told apart. Shorter clips are not
# prepared, and a score of what trimming leaves of one means nothing.
MIN_FRAMES = FRAMES_PER_SECOND

# int16 full scale: waveforms are stored as int16 and mean x / 32768 in [-1, 1).
INT16_SCALE = 32_768

# AV-HuBERT hears a frame by four windows of 400 samples, one each 160: so far the last one looks
# beyond the frame.
LOOKAHEAD_SAMPLES = 240

# Sound starts at the first sample with |x| > 5e-4 (Smeu et al., CVPR 2025).
SILENCE_AMPLITUDE = 5e-4
