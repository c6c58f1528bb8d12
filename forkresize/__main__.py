"""``python -m forkresize``."""

from forkresize.cli import program

if __name__ == "__main__":
    program()
