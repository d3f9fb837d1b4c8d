"""The releases of MovieLens: what they are, how they are obtained and read, and one that is simulated."""
