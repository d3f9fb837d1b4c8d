"""Simulate a MovieLens whose ground truth is known, and ask that truth as an oracle."""
