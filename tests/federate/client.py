"""A client as the programs of the first federation are: it knows Quoalise and nothing of Kevre."""

import asyncio

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

QUOALISE = "urn:quoalise:0"
SENML = "{urn:ietf:params:xml:ns:senml}senml"


class Program(slixmpp.ClientXMPP):
    """Asks directly and interactively, and listens on its bare JID."""

    def __init__(self, jid, server, authority, *, priority=1):
        super().__init__(jid, "secret")
        self._host, self._port = server.split(":")
        self.ca_certs = authority
        self.enable_direct_tls = False
        self.pushed = asyncio.Queue()
        self._priority = priority
        for plugin in ("xep_0030", "xep_0004", "xep_0050", "xep_0199"):
            self.register_plugin(plugin)
        pushed = MatchXPath(f"{{jabber:client}}message/{{{QUOALISE}}}quoalise/{{{QUOALISE}}}data")
        self.register_handler(Callback("pushed", pushed, self._on_message))

    async def __aenter__(self):
        self.connect(self._host, int(self._port))
        await self.wait_until("session_start", 30)
        self.send_presence(ppriority=self._priority)
        return self

    async def __aexit__(self, *_):
        await self.disconnect(wait=1.0)

    async def direct(self, service, node, **fields):
        """Execute with the form at once, as all library clients do."""
        form = self.plugin["xep_0004"].make_form(ftype="submit")
        for name, value in fields.items():
            form.add_field(var=name, ftype="text-single", value=value)
        iq = self.make_iq_set(ito=service)
        iq["command"]["node"] = node
        iq["command"]["action"] = "execute"
        iq["command"].append(form)
        return await iq.send(timeout=30)

    async def interactive(self, service, node, **fields):
        """Ask for the form, fill it in, send it back with the session, as people's clients do."""
        iq = self.make_iq_set(ito=service)
        iq["command"]["node"] = node
        iq["command"]["action"] = "execute"
        first = await iq.send(timeout=30)
        assert first["command"]["status"] == "executing"
        form = first["command"]["form"]
        form["type"] = "submit"
        for name, field in form.get_fields().items():
            field["value"] = fields.get(name, field["value"])
        back = self.make_iq_set(ito=service)
        back["command"]["node"] = node
        back["command"]["sessionid"] = first["command"]["sessionid"]
        back["command"].append(form)
        return await back.send(timeout=30)

    def _on_message(self, message):
        self.pushed.put_nowait(message.xml)


def records(xml):
    """The records of the first `data` in an answer: (name, time, value) as those clients do."""
    [pack, *_] = xml.iter("{urn:ietf:params:xml:ns:senml}sensml")
    base = {"bn": "", "bt": 0.0}
    found = []
    for record in pack.iter(SENML):
        base |= {key: record.get(key) for key in ("bn", "bt") if record.get(key) is not None}
        name = base["bn"] + record.get("n", "")
        found.append((name, float(base["bt"]) + float(record.get("t", 0)), float(record.get("v"))))
    return found


def told(xml, name):
    """The lines of one field of an answer's form; None where it is not there."""
    form = "{jabber:x:data}"
    for field in xml.iter(f"{form}field"):
        if field.get("var") == name:
            return [value.text for value in field.iter(f"{form}value")]
    return None
