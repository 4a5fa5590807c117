"""Many trainings that differ in a few fields of their config, and the table of what came out."""
