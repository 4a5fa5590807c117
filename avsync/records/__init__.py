"""Clips as records of TFRecord files, written and read without TensorFlow."""
