"""`python -m productionpolicy` is the same as the command `productionpolicy`."""

from productionpolicy.cli.main import main

main(prog_name="productionpolicy")
