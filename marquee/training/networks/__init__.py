"""The networks as torch modules, and what trains and folds them: import it where torch is needed anyway."""
