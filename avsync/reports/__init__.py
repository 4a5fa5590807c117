"""What reports of all kinds are made of: pages, pictures, files written whole."""
