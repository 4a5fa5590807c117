"""The resumable job that prepares raw videos: a dataset of clips."""
