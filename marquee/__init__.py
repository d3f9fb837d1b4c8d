"""Marquee: recommenders for MovieLens as arrays in, arrays out. Knows no path and no params.yaml."""

__version__ = "0.2.0"
