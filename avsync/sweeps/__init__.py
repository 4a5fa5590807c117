"""Many trainings that differ in a few config fields: planning, running, reading the results."""
