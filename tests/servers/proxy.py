"""What stands between clients and Wharf: a load balancer, and a network that breaks."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers import free_port, program
from tests.servers.containers import Program, daemon

SERVED_BY = "x-served-by"
_PIECE_BYTES = 16 * 1024


@contextmanager
def round_robin(folder: Path, ports: Sequence[int]) -> Iterator[int]:
    """Spread requests over servers on `ports`, one by one in turn, and yield the port to talk to.

    The header SERVED_BY of an answer names the server. A server that says it is not ready gets nothing; each request
    has a connection of its own, so that two requests of one client never meet the same server by accident.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, configuration = free_port(), folder / "haproxy.cfg"
    servers = [f"  server wharf{number} 127.0.0.1:{port} check" for number, port in enumerate(ports)]
    configuration.write_text(
        "\n".join(
            [
                "defaults",
                "  mode http",
                "  timeout connect 5s",
                "  timeout check 10s",
                "  timeout client 60s",
                "  timeout server 60s",
                "frontend registry",
                f"  bind 127.0.0.1:{port}",
                "  default_backend wharf",
                "backend wharf",
                "  balance roundrobin",
                "  option http-server-close",
                "  option redispatch 1",
                "  option forwardfor",
                "  option httpchk GET /health/ready",
                f"  http-response set-header {SERVED_BY} %s",
                "  default-server inter 100ms fall 1 rise 1",
                *servers,
                "",
            ]
        )
    )
    haproxy = program("haproxy", "haproxy", Path("/usr/sbin"))
    bash = Program(program("bash", "bash"))
    listening = f": </dev/tcp/127.0.0.1/{port}"
    with daemon([haproxy, "-db", "-f", configuration], folder / "haproxy.log", bash, "-c", listening):
        yield port


class _Link(socketserver.BaseRequestHandler):
    """One connection of a client, carried to the server and back until it ends or is cut."""

    server: "_Network"

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.target)) as beyond:
            back = threading.Thread(target=self._carry_back, args=(beyond,))
            back.start()
            self._carry(beyond)
            back.join()

    def _carry(self, beyond: socket.socket) -> None:
        """Carry the client's bytes; cut both connections at the agreed byte, once."""
        carried = 0
        with suppress(OSError):
            while piece := self.request.recv(_PIECE_BYTES):
                beyond.sendall(piece)
                carried += len(piece)
                if carried > self.server.cut_at and self.server.cut_once():
                    self.request.shutdown(socket.SHUT_RDWR)
                    break
        with suppress(OSError):
            beyond.shutdown(socket.SHUT_WR)

    def _carry_back(self, beyond: socket.socket) -> None:
        with suppress(OSError):
            while piece := beyond.recv(_PIECE_BYTES):
                self.request.sendall(piece)
            self.request.shutdown(socket.SHUT_WR)


class _Network(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int, cut_at: int) -> None:
        super().__init__(("127.0.0.1", 0), _Link)
        self.target, self.cut_at = target, cut_at
        self._uncut = threading.Lock()

    def cut_once(self) -> bool:
        """Whether this call is the first."""
        return self._uncut.acquire(blocking=False)

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    @property
    def was_cut(self) -> bool:
        return self._uncut.locked()


@contextmanager
def breaking_network(target: int, cut_at: int) -> Iterator["_Network"]:
    """Carry connections to the port `target`, and break the first one that sends more than `cut_at` bytes."""
    with _Network(target, cut_at) as network:
        thread = threading.Thread(target=network.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield network
        finally:
            network.shutdown()
            thread.join()
