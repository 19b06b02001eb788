"""`python -m sellerport`."""

from sellerport.cli import main

main()
