"""Datasets on disk to batches, with tf.data."""
