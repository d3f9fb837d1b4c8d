"""Compare all models: intervals, paired tests, one table."""
