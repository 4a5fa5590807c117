"""Reports of scored videos: scores.json, the printed table, one picture per file."""
