"""Clips as records of TFRecord or ArrayRecord files, written and read without TensorFlow."""
