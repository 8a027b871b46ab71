"""A real pymodbus server on a free port, or at one end of a serial line of pseudo-terminals."""

import asyncio
import os
import select
import struct
import threading
import tty
from contextlib import contextmanager

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def words(raw):
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def device(registers, *, unit=1, **more):
    """A device of {address: words}, the same as holding and as input registers."""
    data = [
        SimData(address, values=some, datatype=DataType.REGISTERS)
        for address, some in sorted(registers.items())
    ]
    return SimDevice(unit, simdata=data, **more)


def of_map(registers, numbers):
    """The registers of a meter of a map that measures these numbers, by path."""
    found = {}
    for one in registers:
        number = numbers(one)
        value = number if one.form[1] in "fd" else int(number)
        some = words(struct.pack(one.form, value))
        found[one.address] = some if one.is_big else some[::-1]
    return found


@contextmanager
def serving(*devices):
    with _running(lambda: ModbusTcpServer(list(devices), address=("127.0.0.1", 0))) as server:
        yield server.transport.sockets[0].getsockname()[1]


@contextmanager
def serving_on(path, *devices):
    def make():
        return ModbusSerialServer(list(devices), port=path, baudrate=19_200)

    with _running(make):
        yield


@contextmanager
def _running(make):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def now(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    async def started():
        server = make()
        await server.serve_forever(background=True)
        return server

    try:
        server = now(started())
        try:
            yield server
        finally:
            now(server.shutdown())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def serial_line():
    """Two paths of ports, as if joined by a cable."""
    ends = [os.openpty(), os.openpty()]
    for ours, theirs in ends:
        tty.setraw(ours)
        tty.setraw(theirs)
    stopping = threading.Event()
    (one, other) = (ours for ours, _ in ends)

    def carry():
        while not stopping.is_set():
            ready, _, _ = select.select([one, other], [], [], 0.05)
            for end in ready:
                os.write(other if end == one else one, os.read(end, 4_096))

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield tuple(os.ttyname(theirs) for _, theirs in ends)
    finally:
        stopping.set()
        thread.join(5)
        for ours, theirs in ends:
            os.close(ours)
            os.close(theirs)


def sunspec_words(models):
    """The words of a device as SunSpec's own library writes it, between marker and end."""
    from sunspec2.file.client import FileClientModel
    from sunspec2.mb import SUNS_END_MODEL_ID

    raw = b"SunS"
    for told in models:
        if told["ID"] != SUNS_END_MODEL_ID:
            model = FileClientModel(told["ID"], model_len=told.get("L"), data=told)
            model.points["L"].value = model.len - 2
            raw += model.get_mb()
    return words(raw + b"\xff\xff\0\0")
