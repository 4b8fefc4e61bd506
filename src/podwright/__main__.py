"""`python -m podwright`."""

from podwright.cli.main import main

main()
