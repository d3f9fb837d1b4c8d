"""`python -m marquee` is the command `marquee`."""

from marquee.cli.main import main

raise SystemExit(main())
