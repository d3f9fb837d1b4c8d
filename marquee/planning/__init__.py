"""What a run will take, before it runs: memory by formulas, time by a rehearsal in a small world."""
