"""Tensor to tensor, TensorFlow only, no I/O: what the input pipeline does to one clip."""
