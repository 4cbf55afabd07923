"""Servers of Python's standard library, each of which says how many bytes it got, and their checksum.

    servers.py KIND PORT-OR-PATH
"""

import hashlib
import http.server
import signal
import socketserver
import sys

kind, where = sys.argv[1:]
address = ("127.0.0.1", int(where)) if where.isdigit() else where


class Checksum(socketserver.StreamRequestHandler):
    """A stream up to its end."""

    def handle(self) -> None:
        digest, size = hashlib.sha256(), 0
        while data := self.rfile.read(65536):
            digest.update(data)
            size += len(data)
        self.wfile.write(f"{size} {digest.hexdigest()}\n".encode())


class Datagram(socketserver.BaseRequestHandler):
    """One datagram."""

    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(f"{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode(), self.client_address)


class Web(http.server.SimpleHTTPRequestHandler):
    """Files, with connections that are kept, and uploads."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        answer = f"{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class ForkingHTTPServer(socketserver.ForkingMixIn, http.server.HTTPServer):
    """A process for each connection."""


class ForkingUnixServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """A process for each connection."""


KINDS = {
    "threads": (http.server.ThreadingHTTPServer, Web),
    "processes": (ForkingHTTPServer, Web),
    "forking-tcp": (socketserver.ForkingTCPServer, Checksum),
    "threading-tcp": (socketserver.ThreadingTCPServer, Checksum),
    "forking-unix": (ForkingUnixServer, Checksum),
    "threading-unix": (socketserver.ThreadingUnixStreamServer, Checksum),
    "forking-udp": (socketserver.ForkingUDPServer, Datagram),
    "threading-udp": (socketserver.ThreadingUDPServer, Datagram),
}

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server_class, handler = KINDS[kind]
server_class.allow_reuse_address = True
with server_class(address, handler) as server:
    server.serve_forever()
