"""Reads prepared datasets into batches, with tf.data."""
