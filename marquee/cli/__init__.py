"""The command `marquee`: one file a subcommand."""
