"""What happens to videos on their way: codecs, cameras, rooms, telephones; one file a family."""
