#!/usr/bin/env python3
"""What an idle event stream costs in resident memory, beside an idle keep-alive connection of the same server.

    loadtest/idle-http.py target/release/tickroom > loadtest/runs/<date>-<host>/idle-http.txt

Starts a server, warms it up with 1,000 of each kind, and weighs 3,000 more of each, twice. It takes half a minute.
"""
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HOST, PORT = "127.0.0.1", 18099
WARM, WEIGHED, AT_ONCE = 1000, 3000, 50
KINDS = [
    ("keep-alive after /health/live", "/health/live", b"ok\n"),
    ("event stream", "/api/notifications/stream", b"unread-count"),
]


def post(path, body):
    headers = {"content-type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"http://{HOST}:{PORT}{path}", method="POST", data=data, headers=headers)
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def token():
    account = {"username": "ann", "email": "ann@example.com", "password": secrets.token_hex(8)}
    post("/api/auth/register", account)
    return post("/api/auth/login", account)["access_token"]


def resident_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


async def weigh(pid, bearer):
    held = []

    async def one(path, until):
        reader, writer = await asyncio.open_connection(HOST, PORT)
        held.append(writer)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {bearer}\r\n\r\n".encode())
        await reader.readuntil(until)

    async def many(count, path, until):
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(one(path, until) for _ in range(AT_ONCE)))
        await asyncio.sleep(2)

    for name, path, until in KINDS * 2:
        await many(WARM, path, until)
        before = resident_kib(pid)
        await many(WEIGHED, path, until)
        print(f"{name:<32} {(resident_kib(pid) - before) / WEIGHED:.1f} KiB each")


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.argv[1], "serve", "--config", "loadtest/swarm/server.toml", "--data-dir", folder]
        command += ["--listen", f"{HOST}:{PORT}", "--feed", "off"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            for _ in range(50):
                time.sleep(0.1)
                try:
                    urllib.request.urlopen(f"http://{HOST}:{PORT}/health/live", timeout=1)
                    break
                except OSError:
                    pass
            print(f"command   {' '.join(command[:4])} ...")
            print(f"tickroom  {subprocess.check_output([sys.argv[1], '--version'], text=True).strip()}")
            asyncio.run(weigh(server.pid, token()))
        finally:
            server.terminate()
            server.wait()


main()
