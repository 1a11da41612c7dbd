"""Waits for the server, and brings people and something to read. Prints variables for the shell.

Arguments: the folder of the server, whose log tells where it listens, and the binary.
"""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

folder, binary = sys.argv[1:]
PASSWORD = "and nobody else"


def wait_for(what, look):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    sys.exit(f"{what} did not come: {pathlib.Path(folder, 'log').read_text()}")


def address():
    found = re.search(r'"listening","url":"([^"]+)"', pathlib.Path(folder, "log").read_text())
    return found and found[1]


url = wait_for("the server", address)


def send(method, path, body=None, token=None):
    request = urllib.request.Request(url + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def is_ready():
    try:
        return send("GET", "/health/ready")["feed"]["ticks"] > 0
    except (urllib.error.URLError, ConnectionError):
        return False


def login(email):
    return send("POST", "/api/auth/login", {"email": email, "password": PASSWORD})["access_token"]


def person(name):
    # Not the domain of the document's examples, so that no generated request can name one of these accounts.
    email = f"{name}@example.net"
    user = send("POST", "/api/auth/register", {"username": name, "email": email, "password": PASSWORD})
    return user["id"], login(email)


wait_for("the first price", is_ready)
ann, ann_token = person("ann")
bo, bo_token = person("bo")
subprocess.run([binary, "admin", "grant", "ann@example.net", "--data-dir", folder], check=True, stdout=sys.stderr)
ann_token = login("ann@example.net")
send("PUT", f"/api/users/{bo}/follow", token=ann_token)
send("PUT", f"/api/users/{ann}/follow", token=bo_token)
for number in range(3):
    content = f"I watch **$KRW-BTC** #support {number}"
    post = send("POST", "/api/posts", {"title": f"비트코인 {number}", "content": content}, bo_token)
    comment = send("POST", f"/api/posts/{post['id']}/comments", {"content": "좋은 글 감사합니다"}, ann_token)
    reply = {"content": "@ann thank you", "parent_id": comment["id"]}
    send("POST", f"/api/posts/{post['id']}/comments", reply, bo_token)
    send("PUT", f"/api/posts/{post['id']}/like", token=ann_token)

print(f"URL={url} TOKEN={ann_token}")
