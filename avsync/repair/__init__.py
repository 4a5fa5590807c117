"""A video file whose sound is out of sync to one in which it fits, with its streams copied."""
