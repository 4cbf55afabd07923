"""multiprocessing: sockets that are inherited, passed and shared, with each way to start a process.

    processes.py fork|spawn|forkserver
"""

import hashlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.reduction
import random
import socket
import sys
import threading

SIZE = 500_000


def checksum(data: bytes) -> str:
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def serve_one(listener: socket.socket) -> None:
    """Accepts until somebody says that it is enough."""
    while True:
        connection, _ = listener.accept()
        with connection:
            data = read_all(connection)
            connection.sendall(checksum(data).encode())
            if data == b"enough":
                return


def answer_passed(pipe: multiprocessing.connection.Connection) -> None:
    """Answers on sockets that come through a pipe (SCM_RIGHTS)."""
    for _ in range(pipe.recv()):
        with pipe.recv() as passed:
            passed.sendall(checksum(read_all(passed)).encode())


def answer_raw(sock: socket.socket) -> None:
    """The same with several descriptors in a message."""
    message, descriptors, _, _ = socket.recv_fds(sock, 100, 10)
    for descriptor in descriptors:
        with socket.socket(fileno=descriptor) as passed:
            passed.sendall(message + checksum(read_all(passed)).encode())


def square(number: int) -> int:
    return number * number


def echo(queue_in, queue_out) -> None:
    while (item := queue_in.get()) is not None:
        queue_out.put(checksum(item))


class Books(multiprocessing.managers.BaseManager):
    """A manager over TCP, for a client that only knows its address."""


class Book:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> int:
        self.lines.append(line)
        return len(self.lines)


BOOK = Book()


def the_book() -> Book:
    return BOOK


Books.register("book", callable=the_book)


def call(address: tuple[str, int], data: bytes) -> str:
    with socket.create_connection(address) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return read_all(client).decode()


def main() -> None:
    context = multiprocessing.get_context(sys.argv[1])
    data = random.Random(1).randbytes(SIZE)

    with context.Pool(3) as pool:
        print("pool", sum(pool.map(square, range(1000))))

    # Children that accept from the same listener.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        children = [context.Process(target=serve_one, args=(listener,)) for _ in range(3)]
        for child in children:
            child.start()
        address = listener.getsockname()
        answers = {call(address, data) for _ in range(20)}
        for _ in children:
            call(address, b"enough")
        for child in children:
            child.join()
        print("shared listener", answers, [child.exitcode for child in children])

    here, there = context.Pipe()
    child = context.Process(target=answer_passed, args=(there,))
    child.start()
    here.send(5)
    for _ in range(5):
        own, passed = socket.socketpair()
        here.send(passed)
        passed.close()
        own.sendall(data)
        own.shutdown(socket.SHUT_WR)
        print("passed", read_all(own).decode())
        own.close()
    child.join()
    print("child", child.exitcode)

    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    child = context.Process(target=answer_raw, args=(other,))
    child.start()
    pairs = [socket.socketpair() for _ in range(5)]
    socket.send_fds(own, [b"five: "], [passed.fileno() for _, passed in pairs])
    for pair, passed in pairs:
        passed.close()
        pair.sendall(data[:1000])
        pair.shutdown(socket.SHUT_WR)
        print("several in a message", read_all(pair).decode())
        pair.close()
    child.join()
    print("child", child.exitcode)

    queue_in, queue_out = context.Queue(), context.Queue()
    child = context.Process(target=echo, args=(queue_in, queue_out))
    child.start()
    for size in [0, 1, 70_000, SIZE]:
        queue_in.put(data[:size])
        print("queue", queue_out.get())
    queue_in.put(None)
    child.join()

    with context.Manager() as manager:
        shared = manager.dict()
        shared["a"] = data
        print("manager", checksum(shared["a"]), sorted(shared.keys()))

    server = Books(address=("127.0.0.1", 0), authkey=b"key").get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Books(address=server.address, authkey=b"key")
    client.connect()
    print("manager over TCP", [client.book().add("line") for _ in range(5)])

    with multiprocessing.connection.Listener(("127.0.0.1", 0), authkey=b"key") as listener:
        thread = threading.Thread(target=lambda: listener.accept().send_bytes(data))
        thread.start()
        print("connection", checksum(multiprocessing.connection.Client(listener.address, authkey=b"key").recv_bytes()))
        thread.join()


if __name__ == "__main__":
    main()
