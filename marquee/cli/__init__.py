"""The command `marquee`: one file a subcommand. Only this package and `stages` know where files lie."""
