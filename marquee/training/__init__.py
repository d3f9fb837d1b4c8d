"""What algorithms share in training: the epoch loop, trainers, losses, fold-in, progress."""
