"""`python -m offbook.harness.cli`: the command line without its script."""

from offbook.harness.cli.main import main

if __name__ == "__main__":
    main()
