"""Private RabbitMQ, PostgreSQL and MariaDB: own directory, own ports, loopback only. Standard library only.

    with private_directory() as directory, RabbitMQ(directory) as broker:
        connect(broker.url); broker.kill(); broker.start()

What a server started ends with it, and also when this process dies without a chance to stop it. No other process is
touched. A test that breaks a server makes one of its own instead of breaking the one that all tests share.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.node import MissingServerError, Server, ServerError, find_program, free_port, private_directory

__all__ = ["MariaDB", "MissingServerError", "PostgreSQL", "RabbitMQ", "Server", "ServerError", "private_directory"]


class RabbitMQ(Server):
    """A node with an epmd of its own. It takes 10 to 20 s to start."""

    name = "rabbitmq"
    variable = "AMQP_URL"
    package = "rabbitmq-server"
    greeting = b"AMQP\x00\x00\x09\x01"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._epmd_port, self._distribution_port = free_port(), free_port()

    @classmethod
    def find(cls) -> Path:
        """Not the wrapper on Debian's path, which insists on the system's own node and user."""
        find_program("epmd", "/usr/lib/erlang/bin", "/usr/lib/erlang/erts-*/bin")
        return find_program(
            "rabbitmq-server",
            "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
            "/opt/rabbitmq*/sbin",
            "/opt/homebrew/opt/rabbitmq/sbin",
            "/usr/local/opt/rabbitmq/sbin",
        )

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def environment(self) -> Mapping[str, str]:
        """RABBITMQ_CTL is a command: rabbitmqctl for this node."""
        return {**super().environment, "RABBITMQ_CTL": str(self._ctl)}

    @property
    def process_id(self) -> int:
        """The Erlang machine's, which runs below a shell."""
        super().process_id  # noqa: B018  raises unless the node was started
        return int((self.directory / "pid").read_text())

    def ctl(self, *arguments: str) -> str:
        """rabbitmqctl. It takes 1 to 3 s."""
        return self.run(str(self._ctl), "-q", *arguments)

    def freeze(self) -> None:
        """Connections stay open, and nothing answers."""
        os.kill(self.process_id, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process_id, signal.SIGCONT)

    def stop(self, timeout: float = 40) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                self.thaw()
        super().stop(timeout)

    def kill(self) -> None:
        """Together with the file that names the process: it will be another one's number some day."""
        super().kill()
        (self.directory / "pid").unlink(missing_ok=True)

    def prepare(self) -> None:
        (self.directory / "enabled_plugins").write_text("[].\n")
        (self.directory / "rabbitmq.conf").write_text("loopback_users.guest = true\n")
        exports = {key: value for key, value in self.process_environment().items() if _is_erlang(key)}
        lines = [f"export {key}={shlex.quote(value)}" for key, value in sorted(exports.items())]
        home = f"export HOME={shlex.quote(str(self.directory))}"
        ctl = shlex.quote(str(self.find().with_name("rabbitmqctl")))
        self._ctl.write_text("\n".join(["#!/bin/sh", home, *lines, f'exec {ctl} "$@"', ""]))
        self._ctl.chmod(0o700)

    def command(self) -> Sequence[str]:
        """epmd in the foreground first: the one that Erlang starts by itself would outlive the node."""
        epmd = find_program("epmd", "/usr/lib/erlang/bin", "/usr/lib/erlang/erts-*/bin")
        script = '"$1" -address 127.0.0.1 -port "$2" & exec "$3"'
        return ["/bin/sh", "-c", script, "sh", str(epmd), str(self._epmd_port), str(self.find())]

    def process_environment(self) -> dict[str, str]:
        outer = {key: value for key, value in super().process_environment().items() if not _is_erlang(key)}
        return outer | {
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"tests-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            # One scheduler, no busy waiting: the tests share the machine's few cores with the node.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }

    @property
    def _ctl(self) -> Path:
        return self.directory / "ctl"


def _is_erlang(variable: str) -> bool:
    return variable.startswith(("RABBITMQ_", "ERL_", "RUNNING_UNDER_SYSTEMD"))


class PostgreSQL(Server):
    """A cluster that trusts loopback. It takes about 2 s to start."""

    name = "postgres"
    variable = "POSTGRES_URL"
    package = "postgresql"
    user = "postgres"  # initdb refuses root
    stop_signal = signal.SIGINT  # "fast": does not wait for its clients

    @classmethod
    def find(cls) -> Path:
        return find_program(
            "postgres",
            "/usr/lib/postgresql/*/bin",
            "/opt/homebrew/opt/postgresql*/bin",
            "/usr/local/opt/postgresql*/bin",
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        initdb = str(self.find().with_name("initdb"))
        self.run(initdb, "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        with (self.directory / "data" / "postgresql.conf").open("a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\n")
            conf.write("fsync = off\n")  # survives its own crash all the same, though not the machine's

    def command(self) -> Sequence[str]:
        return [str(self.find()), "-D", str(self.directory / "data")]

    def answers(self) -> bool:
        """The port answers too early; the postmaster's own file says when it is ready."""
        with contextlib.suppress(OSError, IndexError, ServerError):
            lines = (self.directory / "data" / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self.process_id) and lines[7].strip() == "ready"
        return False

    def kill(self) -> None:
        """SIGQUIT, PostgreSQL's own "immediate": on SIGKILL it would leave its shared memory behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        super().kill()


class MariaDB(Server):
    """An instance with one user, tests. It takes about 4 s to start."""

    name = "mysql"
    variable = "MYSQL_URL"
    package = "mariadb-server"

    @classmethod
    def find(cls) -> Path:
        return find_program("mariadbd")

    @property
    def url(self) -> str:
        return f"mysql://tests:tests@127.0.0.1:{self.port}/services"

    def prepare(self) -> None:
        self.run(
            str(find_program("mariadb-install-db")),
            "--no-defaults",
            f"--datadir={self.directory / 'data'}",
            *self._as_root(),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        (self.directory / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS services;\n"
            "CREATE USER IF NOT EXISTS tests@'%' IDENTIFIED BY 'tests';\n"
            "GRANT ALL ON *.* TO tests@'%' WITH GRANT OPTION;\n"
        )

    def command(self) -> Sequence[str]:
        return [
            str(self.find()),
            "--no-defaults",
            *self._as_root(),
            f"--datadir={self.directory / 'data'}",
            f"--init-file={self.directory / 'init.sql'}",
            f"--pid-file={self.directory / 'pid'}",
            "--socket=server.sock",  # within the data directory: the whole path would be too long for a socket
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=2",
        ]

    @staticmethod
    def _as_root() -> list[str]:
        """It refuses to run as root unless told so by name."""
        return ["--user=root"] if os.geteuid() == 0 else []
