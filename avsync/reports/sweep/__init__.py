"""The results of a sweep as a table and a figure."""
