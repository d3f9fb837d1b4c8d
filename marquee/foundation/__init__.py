"""What every stage stands on: ratings as arrays, parameters, faults, files, randomness, threads."""
