"""Somebody is told once of a silent collector, and once when it is back, by real mail."""

import socketserver
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from kevre.flow import silence
from kevre.flow.collector import Collector
from kevre.node import mail
from kevre.rights.models import Account

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Postbox(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a sender needs."""

    def handle(self):
        self.say("220 here")
        to = []
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                to.append(line.split(b"<")[1].split(b">")[0].decode())
            if verb == b"DATA":
                self.say("354 go on")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append((to, message_from_bytes(content, policy=policy.default)))
                to = []
            self.say("221 bye" if verb == b"QUIT" else "250 well")
            if verb == b"QUIT":
                return

    def say(self, words):
        self.wfile.write(words.encode() + b"\r\n")


@pytest.fixture
def postbox(settings):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Postbox)
    server.mails = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    chosen = mail.settings(f"smtp+plain://127.0.0.1:{server.server_address[1]}")
    for name, value in chosen.items():
        setattr(settings, name, value)
    yield server.mails
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def collector(db):
    Account.objects.create_superuser("operator@example.org", "x")
    return Collector.objects.create(name="pi-school", silent_after_s=600, heard_at=NOW)


def look(now):
    return silence.watch(now, language="en", base_url="https://kevre.example")


def test_silence_is_told_once_and_the_return_once(postbox, collector):
    told = [look(NOW + timedelta(minutes=minute)) for minute in (5, 11, 12, 60)]
    Collector.objects.update(heard_at=NOW + timedelta(minutes=61))
    told += [look(NOW + timedelta(minutes=minute)) for minute in (62, 63)]

    assert told == [0, 1, 0, 0, 1, 0]
    assert [to for to, _ in postbox] == [["operator@example.org"]] * 2
    assert [mail["Subject"] for _, mail in postbox] == [
        "Collector pi-school is silent",
        "Collector pi-school is back",
    ]
    body = postbox[0][1].get_content()
    assert "2026-11-27 12:00 UTC" in body
    assert f"https://kevre.example/en/collectors/{collector.pk}/" in body


def test_the_address_of_the_collector_is_told_where_it_has_one(postbox, collector):
    Collector.objects.update(alert_to="caretaker@example.org")
    look(NOW + timedelta(hours=1))

    assert [to for to, _ in postbox] == [["caretaker@example.org"]]


def test_a_mail_that_cannot_be_sent_is_tried_again(collector, settings, postbox):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    with pytest.raises(OSError):
        look(NOW + timedelta(hours=1))
    settings.EMAIL_PORT = port

    assert look(NOW + timedelta(hours=2)) == 1
    assert len(postbox) == 1


def test_nobody_is_told_of_one_never_heard_or_set_to_nobody(postbox, collector):
    Collector.objects.update(silent_after_s=0)
    Collector.objects.create(name="new")

    assert look(NOW + timedelta(days=9)) == 0
