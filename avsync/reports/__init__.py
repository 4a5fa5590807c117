"""Reports of all commands: pages, figures and terminal tables."""
