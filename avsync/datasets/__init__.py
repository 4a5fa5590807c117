"""TensorFlow Datasets builders, one file per dataset."""

import importlib.util

# TFDS needs TensorFlow to be installed, also where nothing imports it. Without it, TFDS logs a
# traceback and is imported by half.
if importlib.util.find_spec("tensorflow") is None:
    raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
