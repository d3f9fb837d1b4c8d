"""One file a stage: read params and files, call marquee, write."""
