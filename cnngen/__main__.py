"""`python -m cnngen` is `cnngen`."""

from cnngen.cli import main

main()
