"""The training loop: losses, optimiser, update step, state and metrics."""
