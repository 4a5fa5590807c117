"""Raw video files to mouth crops and sound, streamed and bounded; no JAX, no TensorFlow."""
