"""The resumable job that turns a folder of raw videos into a dataset of clips."""
