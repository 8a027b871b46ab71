"""What the frames of each kind of device mean: one small pure file a device.

A device gives readings by the path of their series below the metering point; it opens no
port, knows no clock and keeps nothing.
"""
