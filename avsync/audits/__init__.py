"""What would fool a model: shortcuts of a labelled dataset, found without a model."""
