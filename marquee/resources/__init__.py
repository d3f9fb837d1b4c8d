"""Know memory and disk beforehand: formulas for each stage, and the memory limit of this machine."""
