"""Tools of the developers: what make runs."""
