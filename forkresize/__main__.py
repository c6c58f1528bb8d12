"""``python -m forkresize``."""

from forkresize.cli import main

if __name__ == "__main__":
    main()
