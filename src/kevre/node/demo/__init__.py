"""The demo: fictional sites in real communes, with real or generated readings up to now.

Every series says what it is. Start with `setup.py`, which tells the story; `sites.toml` lists
the sites, `origin.py` where each series comes from, `feed.py` keeps them current.
"""
