"""Ratings and catalogue as arrays; splits, published splits, negatives and candidates."""
