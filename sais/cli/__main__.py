"""`python -m sais.cli`, where the console script is not on the path."""

from sais.cli import main

if __name__ == "__main__":
    main()
