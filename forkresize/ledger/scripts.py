"""Numbered SQL scripts, which create and change tables."""

from importlib import resources


def read_scripts(package: str) -> list[str]:
    """Return the SQL scripts in a package, ``0001_….sql`` first. A script's number is the version that it makes."""
    entries = resources.files(package).iterdir()
    files = sorted((each for each in entries if each.name.endswith(".sql")), key=lambda each: each.name)
    numbers = [int(each.name.partition("_")[0]) for each in files]
    if numbers != list(range(1, len(files) + 1)):
        raise ValueError(f"the scripts in {package} are not numbered from 1 without gaps")
    return [each.read_text("utf-8") for each in files]
