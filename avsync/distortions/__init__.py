"""Distortions of picture and sound by codecs, cameras, rooms, telephones; one file per family."""
