"""The checklist of the protocol with the official Python SDK, in both of its codecs, against TICKROOM_URL."""

import asyncio
import json
import os
import time
import unittest
import urllib.request

from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    SubscriptionEventHandler,
    UnauthorizedError,
)

RUN = f"{time.time_ns():x}"[-7:]
CHAT = "chat:KRW-BTC"


def post(path, body, server=None):
    request = urllib.request.Request(
        (server or os.environ["TICKROOM_URL"]) + path,
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request, timeout=20))


class Person:
    """Somebody with an account, whose token can be had again and again."""

    def __init__(self, name, server=None):
        self.server = server or os.environ["TICKROOM_URL"]
        self.name = f"{name}-py-{RUN}"
        self.login = {"email": f"{self.name}@example.com", "password": f"password of {self.name}"}
        post("/api/auth/register", {"username": self.name, **self.login}, self.server)
        self.token = self.new_token()

    def new_token(self):
        return post("/api/auth/login", self.login, self.server)["access_token"]

    async def get_token(self):
        return await asyncio.to_thread(self.new_token)


class Life(ClientEventHandler):
    """Keeps what happens to a connection."""

    def __init__(self):
        self.connected, self.ended, self.own = [], [], []

    async def on_connected(self, ctx):
        self.connected.append(ctx)

    async def on_disconnected(self, ctx):
        self.ended.append(ctx)

    async def on_subscribed(self, ctx):
        self.own.append(ctx.channel)


class Ear(SubscriptionEventHandler):
    """Keeps what happens to a subscription."""

    def __init__(self, decode):
        self.decode = decode
        self.seen, self.subscribed, self.ended, self.joins, self.leaves = [], [], [], [], []

    async def on_subscribed(self, ctx):
        self.subscribed.append(ctx)

    async def on_unsubscribed(self, ctx):
        self.ended.append(ctx)

    async def on_publication(self, ctx):
        self.seen.append((ctx.pub.offset, self.decode(ctx.pub.data)))

    async def on_join(self, ctx):
        self.joins.append(ctx.info.client)

    async def on_leave(self, ctx):
        self.leaves.append(ctx.info.client)

    def texts(self):
        return [data["content"] for offset, data in self.seen if offset]


async def eventually(what, condition, patience_s=30):
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, f"never happened: {what}"
        await asyncio.sleep(0.01)


class Conformance:
    protobuf = False
    next_id = 0

    async def asyncSetUp(self):
        self.open = []

    async def asyncTearDown(self):
        for client in self.open:
            await client.disconnect()

    @classmethod
    def setUpClass(cls):
        codec = "p" if cls.protobuf else "j"
        cls.ann, cls.bo = Person(f"ann-{codec}"), Person(f"bo-{codec}")

    def client(self, token, server=None, **options):
        url = (server or os.environ["TICKROOM_URL"]).replace("http", "ws") + "/connection/websocket"
        options = {"min_reconnect_delay": 0.05, "max_reconnect_delay": 0.5, "proxy": None, **options}
        client = Client(url, events=Life(), token=token, use_protobuf=self.protobuf, **options)
        self.open.append(client)
        return client

    async def listen(self, client, channel=CHAT, **options):
        ear = Ear(self.decode)
        sub = client.new_subscription(channel, events=ear, **options)
        await sub.subscribe()
        return ear

    def decode(self, data):
        return json.loads(data) if self.protobuf else data

    def encode(self, data):
        return json.dumps(data).encode() if self.protobuf else data

    async def say(self, client, content, channel=CHAT):
        Conformance.next_id += 1
        data = {"content": content, "id": f"{RUN}-{Conformance.next_id}"}
        await client.publish(channel, self.encode(data))

    @staticmethod
    def cut(client):
        client._conn.transport.abort()

    async def test_an_idle_connection_stays(self):
        client = self.client(self.ann.token)
        await client.connect()
        await client.ready()
        await asyncio.sleep(7)
        self.assertEqual(len(client.events.connected), 1)
        self.assertEqual(client.events.ended, [])
        self.assertRegex(client.events.own[0], r"^user:#\d+$")

    async def test_what_was_missed_comes_and_nothing_twice(self):
        speaker, listener = self.client(self.ann.token), self.client(self.bo.token)
        ear = await self.listen(listener)
        await speaker.connect()
        await listener.connect()
        await eventually("subscribed", lambda: ear.subscribed)
        await self.say(speaker, "before")
        await eventually("before is heard", lambda: ear.seen)
        self.cut(listener)
        for number in range(50):
            await self.say(speaker, f"missed {number}")
        await eventually("it is back", lambda: len(ear.subscribed) == 2)
        await self.say(speaker, "after")
        await eventually("after is heard", lambda: "after" in ear.texts())
        self.assertEqual(ear.texts(), ["before", *(f"missed {number}" for number in range(50)), "after"])
        self.assertTrue(ear.subscribed[1].was_recovering and ear.subscribed[1].recovered)
        offsets = [offset for offset, _ in ear.seen]
        self.assertEqual(offsets, list(range(offsets[0], offsets[0] + 52)))

    async def test_pings_come_whatever_is_said(self):
        client = self.client(self.ann.token, max_server_ping_delay=1.0)
        ear = await self.listen(client)
        await client.connect()
        for number in range(60):
            await self.say(client, f"busy {number}")
            await asyncio.sleep(0.1)
        await eventually("all is heard", lambda: len(ear.seen) == 60)
        self.assertEqual(len(client.events.connected), 1)

    async def test_history_presence_and_refusals(self):
        client = self.client(self.ann.token)
        ear = await self.listen(client, join_leave=True)
        await client.connect()
        await eventually("subscribed", lambda: ear.subscribed)
        for number in range(5):
            await self.say(client, f"page {number}")
        top = await client.history(CHAT)
        self.assertEqual(top.publications, [])
        newest = await client.history(CHAT, limit=2, reverse=True)
        self.assertEqual([said.offset for said in newest.publications], [top.offset, top.offset - 1])
        since = StreamPosition(offset=top.offset - 2, epoch=top.epoch)
        forward = await client.history(CHAT, limit=9, since=since)
        texts = [self.decode(said.data)["content"] for said in forward.publications]
        self.assertEqual(texts, ["page 3", "page 4"])
        presence = await client.presence(CHAT)
        self.assertIn(client.events.connected[0].client, presence.clients)
        stats = await client.presence_stats(CHAT)
        self.assertEqual(stats.num_clients, len(presence.clients))
        other = self.client(self.bo.token)
        theirs = await self.listen(other)
        await other.connect()
        await eventually("the other is subscribed", lambda: theirs.subscribed)
        self.cut(other)
        await other.disconnect()
        await eventually("in pairs", lambda: ear.leaves and ear.leaves[-1] == ear.joins[-1])
        for call, code in [
            (client.history("ticker:KRW-BTC", limit=1), 108),
            (client.publish("ticker:KRW-BTC", self.encode({})), 103),
            (client.publish(CHAT, self.encode({"content": ""})), 107),
            (client.rpc("x", self.encode({})), 108),
        ]:
            with self.assertRaises(ReplyError) as refused:
                await call
            self.assertEqual(refused.exception.code, code)
        for channel, code in [("nope:1", 102), ("user:#1", 103)]:
            refused = await self.listen(client, channel)
            await eventually(channel, lambda: refused.ended)
            self.assertEqual(refused.ended[0].code, code)
        self.assertEqual(len(client.events.connected), 1)

    async def test_a_forged_token_is_the_end(self):
        client = self.client(self.ann.token + "x")
        await client.connect()
        await eventually("sent away", lambda: client.events.ended)
        self.assertEqual(client.events.ended[0].code, 3500)

    async def test_a_connection_outlives_its_tokens(self):
        server = os.environ["TICKROOM_SHORT_URL"]
        person = await asyncio.to_thread(Person, "cho-p" if self.protobuf else "cho-j", server)
        fetched = []

        async def get_token(*_):
            fetched.append(await person.get_token())
            return fetched[-1]

        client = self.client(person.token, server, get_token=get_token)
        await client.connect()
        await eventually("three more tokens", lambda: len(fetched) >= 3)
        self.assertEqual(len(client.events.connected), 1)
        await client.disconnect()
        # The old one is answered with 109; whoever can gets another, whoever cannot gives up.
        await asyncio.sleep(3)
        again = self.client(fetched[0], server, get_token=get_token)
        await again.connect()
        await again.ready()

        async def no_token(*_):
            raise UnauthorizedError

        helpless = self.client(fetched[0], server, get_token=no_token)
        await helpless.connect()
        await eventually("it gives up", lambda: helpless.events.ended)
        self.assertEqual(helpless.events.ended[0].code, 1)


class Json(Conformance, unittest.IsolatedAsyncioTestCase):
    pass


class Protobuf(Conformance, unittest.IsolatedAsyncioTestCase):
    protobuf = True


if __name__ == "__main__":
    unittest.main()
