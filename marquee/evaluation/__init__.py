"""Measure a model against held-out ratings: metrics, exact lists, intervals, the leaderboard."""
