"""How nodes of equal rank lend each other readings: identities, peers, feeds, protocol verbs.

The verbs live once in `serve`; a binding (HTTPS, XMPP) knows requests or stanzas and nothing of
grants or storage. What readings are and who may have them is decided below, in `flow` and
`rights`. Start with `identity`, then `peer`, then `feed`.
"""
