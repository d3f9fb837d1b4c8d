"""A model against held-out data: metrics, lists, and what is said of both."""
