"""The binaries: flags in, library called."""
