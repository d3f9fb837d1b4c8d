"""Compiled loops. The only package that imports numba; import its modules where they are used."""
