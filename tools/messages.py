"""Bring the catalogues of screen words in step with the code, and say what they lack."""

from __future__ import annotations

from kevre.web import catalogue


def main() -> None:
    """Update the PO files and print how many messages each language translates."""
    for language, (translated, every) in catalogue.update().items():
        print(f"{language}: {translated} of {every}")
    for message in catalogue.missing("fr"):
        print(f"fr lacks: {message}")


if __name__ == "__main__":
    main()
