"""Hourly observations of Météo-France's stations, as tidy CSV.

Sources: the RADOME network's parameters (Météo-France, Licence Ouverte). The station's number
names the point. Not supported: the synoptic files and the public API.
"""
