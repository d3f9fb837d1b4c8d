"""What algorithms share: the loop over epochs, closed-form and gradient updates, draws, fold-ins."""
