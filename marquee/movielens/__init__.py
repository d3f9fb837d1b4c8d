"""Fetch, verify and read the releases of MovieLens, and ratings of a user's own."""
