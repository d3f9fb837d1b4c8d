"""A synthetic MovieLens whose ground truth is known, and the oracle that uses it."""
