"""TensorFlow Datasets builders, one dataset a file."""
