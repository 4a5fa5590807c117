"""What a frozen encoder made of clips, on disk: as datasets, and as the files of AVH-Align."""
