"""Published PyTorch files to avsync checkpoints, without PyTorch; one module per kind of file."""
