"""Features that a frozen encoder extracts from clips, stored as datasets or AVH-Align's files."""
