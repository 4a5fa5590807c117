"""Gates find faulty training clips, which are then dropped or realigned."""
