"""Many synthetic talkers, each with a language, a voice, a face, a camera and a room."""
