"""``python -m goinspect``."""

from goinspect.cli.app import main

main()
