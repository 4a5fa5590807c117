"""TensorFlow Datasets builders, one file per dataset."""
