"""A client of HTTP servers that are reloaded meanwhile: threads that fetch, each request on a connection of its own.

    load.py URL THREADS REQUESTS [STOP-FILE]

Prints what came back, how often. With a file to stop at, the threads go on after their requests until it exists.
"""

import collections
import http.client
import os
import sys
import threading
import urllib.parse

url, threads, requests = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
stop = sys.argv[4] if len(sys.argv) > 4 else None
answers: collections.Counter[str] = collections.Counter()
lock = threading.Lock()


def fetch() -> str:
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=300)
    try:
        connection.request("GET", url.path, headers={"Connection": "close"})
        response = connection.getresponse()
        return f"{response.status} {response.read().decode()}"
    except OSError as error:
        return f"{type(error).__name__} {error}"
    finally:
        connection.close()


def work() -> None:
    done = 0
    while done < requests or (stop and not os.path.exists(stop)):
        answer = fetch()
        done += 1
        with lock:
            answers[answer] += 1


workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
for answer, count in sorted(answers.items()):
    print(f"{count} {answer}")
