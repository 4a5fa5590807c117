"""Generated speech and rendered mouths that move with it."""
