"""Published PyTorch files to parameters of ours, with no PyTorch: one kind of file a module."""
