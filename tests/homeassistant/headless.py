"""Runs Home Assistant's own core without its pages: FOLDER ADDRESS KEY. By its own Python."""

import asyncio
import logging
import sys

from homeassistant import config_entries, core, loader
from homeassistant.helpers import (
    area_registry,
    device_registry,
    entity,
    entity_registry,
    translation,
)
from homeassistant.setup import async_setup_component


async def run(folder, address, key):
    hass = core.HomeAssistant(folder)
    hass.config.config_dir = folder
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    entity.async_setup(hass)
    translation.async_setup(hass)
    for registry in (area_registry, device_registry, entity_registry):
        await registry.async_load(hass)
    configuration = {
        "emoncms_history": {
            "api_key": key,
            "url": address,
            "inputnode": 19,
            "scan_interval": 2,
            "whitelist": ["sensor.grid_power", "sensor.salon_temperature", "sensor.absent"],
        }
    }
    hass.states.async_set("sensor.grid_power", "612.5", {"unit_of_measurement": "W"})
    hass.states.async_set("sensor.salon_temperature", "20.25", {"unit_of_measurement": "°C"})
    hass.states.async_set("sensor.absent", "unavailable")
    assert await async_setup_component(hass, "emoncms_history", configuration)
    await hass.async_start()
    await asyncio.Event().wait()


logging.basicConfig(level=logging.INFO)
asyncio.run(run(*sys.argv[1:]))
