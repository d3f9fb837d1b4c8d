"""What every stage stands on: parameters and options, faults, files, randomness, threads."""
