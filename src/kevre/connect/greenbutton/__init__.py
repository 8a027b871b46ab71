"""Green Button feeds, as energy suppliers of North America give them to their customers.

Sources: NAESB REQ.21 ESPI and the public test feeds of the Green Button Alliance. Read here:
interval readings of electricity and gas. Not supported: costs, summaries, net flows, units such
as therms and cubic feet, and what is said of customers.
"""
