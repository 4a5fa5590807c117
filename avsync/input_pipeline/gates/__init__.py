"""Gates: what is wrong with the clips of a training, so that it is left out or put right."""
