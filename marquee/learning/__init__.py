"""What algorithms share: the loop over epochs, its progress, closed-form and gradient updates, fold-ins."""
