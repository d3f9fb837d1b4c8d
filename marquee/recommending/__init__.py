"""From a person to a list: their movies found by title or in a file, what to see next, and why."""
