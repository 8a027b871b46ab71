"""A real provider of OpenID Connect, for tests: the account service of a town."""
