"""Servers for the tests: given by the environment, else private ones, else from Docker. Used by scripts/servers.

python -m tests.support.provide [--only rabbitmq,postgres,mysql] -- COMMAND [ARGUMENT...]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.servers import MariaDB, MissingServerError, PostgreSQL, RabbitMQ, Server, private_directory

ROOT = Path(__file__).resolve().parents[2]
KINDS: tuple[type[Server], ...] = (RabbitMQ, PostgreSQL, MariaDB)
# What compose.yaml calls its ports, and the URL of what answers there.
COMPOSE = {
    "rabbitmq": ("5672", "amqp://guest:guest@{}/%2F"),
    "postgres": ("5432", "postgresql://postgres:postgres@{}/postgres"),
    "mysql": ("3306", "mysql://root:tests@{}/services"),
}


class NoServersError(Exception):
    """The text says what to install."""


@contextlib.contextmanager
def provide(kinds: Sequence[type[Server]] = KINDS) -> Iterator[Mapping[str, str]]:
    """The variables that name a server of each kind. What was started for it is stopped at the end."""
    wanted = [kind for kind in kinds if not os.environ.get(kind.variable)]
    missing = [kind for kind in wanted if not is_installed(kind)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        apt_install([kind.package for kind in missing])
        missing = [kind for kind in wanted if not is_installed(kind)]
    with contextlib.ExitStack() as stack:
        found = dict(stack.enter_context(containers(missing))) if missing else {}
        directory = stack.enter_context(private_directory())
        servers = [kind(directory) for kind in wanted if kind not in missing]
        stack.callback(_each, servers, "stop")
        try:
            _each(servers, "start")
        except BaseException:
            for server in servers:
                server.kill()
            raise
        for server in servers:
            found.update(server.environment)
        yield found


def _each(servers: Sequence[Server], method: str) -> None:
    """All at once. On an interrupt the servers are killed, so that the threads which wait for them end."""
    with ThreadPoolExecutor(max_workers=max(len(servers), 1)) as pool:
        calls = [pool.submit(getattr(server, method)) for server in servers]
        try:
            for call in calls:
                call.result()
        except BaseException:
            for server in servers:
                server.kill()
            raise


def is_installed(kind: type[Server]) -> bool:
    try:
        kind.find()
    except MissingServerError:
        return False
    return True


def apt_install(packages: Sequence[str]) -> None:
    """Install them without having their services started. A failure shows in what is still missing afterwards."""
    print(f"Installing {', '.join(packages)} with apt-get ...", flush=True)
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "PATH": os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin",
    }
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    with services_kept_off():
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}", flush=True)


@contextlib.contextmanager
def services_kept_off(policy: Path = Path("/usr/sbin/policy-rc.d")) -> Iterator[None]:
    """Debian's packages ask this program whether they may start their service."""
    before = (policy.read_bytes(), policy.stat().st_mode) if policy.exists() else None
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            policy.unlink()
        else:
            policy.write_bytes(before[0])
            policy.chmod(before[1])


@contextlib.contextmanager
def containers(kinds: Sequence[type[Server]]) -> Iterator[Mapping[str, str]]:
    """From compose.yaml, under a name of this run's own. Raises NoServersError when no Docker engine answers."""
    names = [kind.name for kind in kinds]
    compose = ["docker", "compose", "-p", f"tests-{uuid.uuid4().hex[:12]}", "-f", str(ROOT / "compose.yaml")]
    if not shutil.which("docker") or _fails("docker", "info") or _fails("docker", "compose", "version"):
        raise NoServersError(
            f"No server for the tests: {', '.join(names)}. One of these helps:\n"
            f"  install     {' '.join(kind.package for kind in kinds)} (apt-get install, on Debian and Ubuntu)\n"
            f"  set         {' '.join(kind.variable for kind in kinds)} to servers that the tests may use\n"
            "  start       a Docker engine with the compose plug-in"
        )
    try:
        subprocess.run([*compose, "up", "--detach", "--quiet-pull", "--wait", *names], check=True)
        yield {kind.variable: _address(compose, kind.name) for kind in kinds}
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "5"], check=False)


def _address(compose: Sequence[str], name: str) -> str:
    port, url = COMPOSE[name]
    return url.format(subprocess.check_output([*compose, "port", name, port], text=True).strip())


def _fails(*command: str) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0


def prepare_signals() -> None:
    """SIGTERM and SIGHUP unwind the stack as Ctrl-C does, which a shell's background jobs otherwise ignore."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run to the end. When this process is told to leave, so is the command, and it gets time to clean up."""
    with subprocess.Popen(command, env={**os.environ, **variables}) as child:
        try:
            return child.wait()
        except BaseException:
            child.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(30)
            child.kill()
            raise


def main(arguments: Sequence[str] | None = None) -> int:
    names = {kind.name: kind for kind in KINDS}
    parser = argparse.ArgumentParser(description="Run a command with servers for it.")
    parser.add_argument("--only", default=",".join(names), help="a comma separated list of %(default)s")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    only = options.only.split(",")
    if not command or not names.keys() >= set(only):
        parser.error(f"give a command after --, and to --only some of {', '.join(names)}")
    prepare_signals()
    try:
        with provide([names[name] for name in only]) as variables:
            return run(command, variables)
    except NoServersError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
