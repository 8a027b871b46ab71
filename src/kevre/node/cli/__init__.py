"""The `kevre` command line: each command parses, calls one function, prints."""

from kevre.node.cli.main import main

__all__ = ["main"]
