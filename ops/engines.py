"""The servers that `ops/services` can start: how to install each, make its data, run it and see that it answers."""

import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tickroom-services"

SECANTUSDB = "SecantusDB==0.7.0b3"
# Kafka and Maven take any Java from 17 on.
JAVA = ["default-jre-headless", "maven"]


class Failed(Exception):
    """Something that whoever called this has to know."""


class Service:
    """A server: how to install it, make its data, start it and see that it answers."""

    name = variable = ""
    # Whom root becomes to run it.
    user = None

    def install(self):
        """Fetches what is missing."""

    def prepare(self, data, port):
        """Makes the data in an empty folder."""

    def command(self, data, port):
        """What to run on this folder and port."""
        raise NotImplementedError

    def url(self, port):
        """Where tests find it."""
        raise NotImplementedError

    def answers(self, port):
        """Whether it is ready."""
        raise NotImplementedError


class Redis(Service):
    name, variable = "redis", "TICKROOM_TEST_REDIS_URL"

    def install(self):
        if not shutil.which("redis-server"):
            apt("redis-server")

    def command(self, data, port):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), "--save", ""]

    def url(self, port):
        return f"redis://127.0.0.1:{port}"

    def answers(self, port):
        return ask(port, b"PING\r\n").startswith(b"+PONG")


class Postgres(Service):
    name, variable = "postgres", "TICKROOM_TEST_POSTGRES_URL"
    user = "postgres"

    def install(self):
        if not self.binaries():
            apt("postgresql")

    def binaries(self):
        """The folder of the newest version."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
        return found[-1].parent if found else None

    def prepare(self, data, port):
        # C sorts by code point, as the other engines are told to.
        options = ["-U", "tickroom", "-A", "trust", "-E", "UTF8", "--locale=C"]
        check([self.binaries() / "initdb", "-D", data, *options], self.user)

    def command(self, data, port):
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={data}", "max_connections=300"]
        settings = [word for option in options for word in ("-c", option)]
        return [str(self.binaries() / "postgres"), "-D", str(data), "-p", str(port), *settings]

    def url(self, port):
        return f"postgres://tickroom@127.0.0.1:{port}/postgres"

    def answers(self, port):
        question = [self.binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        return subprocess.run(question).returncode == 0


class Mysql(Service):
    name, variable = "mysql", "TICKROOM_TEST_MYSQL_URL"

    def install(self):
        if not shutil.which("mariadb-install-db"):
            apt("mariadb-server-core", "mariadb-client-core")

    def as_root(self):
        return ["--user=root"] if os.getuid() == 0 else []

    def prepare(self, data, port):
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", *self.as_root()]
        check(["mariadb-install-db", "--no-defaults", f"--datadir={data}", *options])
        (data / "init.sql").write_text("create database if not exists tickroom;\n")

    def command(self, data, port):
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        network = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={data}/socket", "--skip-name-resolve"]
        limits = ["--max-connections=300", "--innodb-buffer-pool-size=128M"]
        files = [f"--datadir={data}", f"--init-file={data}/init.sql"]
        return [program, "--no-defaults", *files, *network, *limits, *self.as_root()]

    def url(self, port):
        return f"mysql://root@127.0.0.1:{port}/tickroom"

    def answers(self, port):
        # It greets whoever connects, with protocol version 10 behind the length and number of the packet.
        return ask(port, b"")[4:5] == b"\x0a"


class Mongodb(Service):
    name, variable = "mongodb", "TICKROOM_TEST_MONGODB_URL"

    def install(self):
        marker = CACHE / "mongodb" / SECANTUSDB
        if marker.exists():
            return
        if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True).returncode != 0:
            apt("python3-venv")
        say(f"fetching {SECANTUSDB}")
        check([sys.executable, "-m", "venv", "--clear", marker.parent])
        check([marker.parent / "bin" / "pip", "install", "--quiet", SECANTUSDB])
        marker.touch()

    def command(self, data, port):
        # As a replica set of MongoDB has it: what is acknowledged by the majority is on the disk.
        options = ["--sync-on-commit", "--cache-size", "256M", "--log-level", "WARNING"]
        program = CACHE / "mongodb" / "bin" / "secantusd-py"
        return [str(program), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(data), *options]

    def url(self, port):
        return f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def answers(self, port):
        hello = b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0\0"
        body = struct.pack("<ib", 0, 0) + struct.pack("<i", len(hello) + 4) + hello
        return b"isWritablePrimary" in ask(port, struct.pack("<iiii", len(body) + 16, 1, 0, 2013) + body)


class Kafka(Service):
    name, variable = "kafka", "TICKROOM_TEST_KAFKA_BROKERS"
    libraries = CACHE / "kafka"

    def install(self):
        missing = [package for package, program in zip(JAVA, ["java", "mvn"]) if not shutil.which(program)]
        if missing:
            apt(*missing)
        pom = HERE / "kafka" / "pom.xml"
        marker = self.libraries / "pom.xml"
        if marker.exists() and marker.read_text() == pom.read_text():
            return
        say("fetching Kafka")
        shutil.rmtree(self.libraries, ignore_errors=True)
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={self.libraries}"]
        check(["mvn", "--quiet", "--batch-mode", "--file", pom, *goal])
        shutil.copy(pom, marker)

    def java(self, *arguments):
        return ["java", "-Xmx256m", "-cp", f"{self.libraries}/*", *map(str, arguments)]

    def prepare(self, data, port):
        controller = free_port()
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "log.dirs": data / "log",
            # One node is all replicas there are.
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            # The default waits three seconds for more consumers before it gives any of them work.
            "group.initial.rebalance.delay.ms": 0,
        }
        properties = data / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        check(self.java("kafka.tools.StorageTool", "format", "-t", "dGlja3Jvb20tdGVzdHMtMQ", "-c", properties))

    def command(self, data, port):
        return self.java("kafka.Kafka", data / "server.properties")

    def url(self, port):
        return f"127.0.0.1:{port}"

    def answers(self, port):
        # ApiVersions, version 0, from a client without a name.
        return len(ask(port, struct.pack(">ihhih", 10, 18, 0, 1, -1))) > 8


SERVICES = {service.name: service for service in (Redis(), Postgres(), Mysql(), Mongodb(), Kafka())}


def identity(user):
    """For `subprocess`: whom root becomes."""
    return {"user": user, "group": user, "extra_groups": []} if user and os.getuid() == 0 else {}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, question):
    """The beginning of what is answered; nothing if nobody listens or the answer takes long."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(question)
            return connection.recv(1024)
    except OSError:
        return b""


def check(command, user=None):
    """Runs a command that must work, in silence if it does."""
    words = [str(word) for word in command]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    done = subprocess.run(words, cwd="/", **output, **identity(user))
    if done.returncode != 0:
        raise Failed(f"{shlex.join(words)} failed:\n{done.stdout}")


def apt(*packages):
    """Installs Debian packages, without starting what they bring along."""
    if not shutil.which("apt-get"):
        raise Failed(f"missing: {' '.join(packages)}; there is no apt-get here, so install them by hand")
    say(f"installing {' '.join(packages)}")
    as_root = ["env"] if os.getuid() == 0 else ["sudo", "env"]
    quietly = [*as_root, "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]
    check([*quietly, "update"])
    check([*quietly, "install", "--yes", "--no-install-recommends", *packages])


def say(text):
    print(text, file=sys.stderr, flush=True)
