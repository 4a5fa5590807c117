"""The results of a sweep: table and figure."""
