"""The pages: what a person sees of a node, with no rule of its own.

A page asks the door (`flow.read`), hands what it got to `analyse` and `web.chart`, and
renders a template. No right is decided here, nothing is written, nothing needs JavaScript.
Start with `routes.py`, the table of all pages, then `site.py`.
"""
