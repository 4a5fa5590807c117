"""Reports of scored videos: a record and a picture per file, tables, lists, a summary page."""
