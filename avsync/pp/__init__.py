"""Pure tensor ops on one clip for the input pipeline; TensorFlow only, no I/O."""
