"""The results of scored videos: table and figures."""
