"""What happens to videos on their way: compression, cameras, rooms, telephones; one file a family."""
