"""A small lab for the tests: a server in Python, a prediction, a failing experiment."""

import os
import sys
from pathlib import Path

SERVER = r"""
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    peer, _ = listener.accept()
    with peer:
        print("accepted a client", flush=True)
        while data := peer.recv(4096):
            peer.sendall(data)
    print("the client has gone", flush=True)
"""

CLIENT = r"""
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as peer:
    peer.sendall(b"hello")
    print("echoed: " + peer.recv(5).decode(), flush=True)
    print("longest wait 2003.0 ms", flush=True)
"""

HANDOUT = """# Lab 07: a small server

<!-- lab minutes=5 -->

How long does a client wait behind a silent one?

| term | 中文 |
|---|---|
| readiness | 就绪 |

## Start

The server takes a free port. By hand: start it in a second terminal, and in the first say
`export SMALL_PORT=…` with the port that it printed.

```sh server=small
PYTHON server.py
```

## Measure

One client connects and waits.

<!-- hint: Nobody is in front of it. -->
<!-- predict id=longest-wait question="How long is the longest wait?" unit=ms
     pattern="longest wait ([0-9.]+) ms" -->

```sh side-by-side
PYTHON client.py $SMALL_PORT
```

```output
echoed: …
longest wait … ms
```

## Explain

It waited because the server looked elsewhere.

## Break it

<!-- predict id=refused question="Does a closed port accept?" choices="accepted|refused" pattern="(accepted|refused)" -->

```sh expect-exit=3
echo refused
exit 3
```

That is all.
"""

STEPS = 6


def write_lab(root, text=HANDOUT, name="07-small"):
    """Writes a lab under `root`; PYTHON in the text becomes this interpreter. Returns the handout's path."""
    root = Path(root)
    directory = root / "labs" / name
    directory.mkdir(parents=True, exist_ok=True)
    (root / "server.py").write_text(SERVER)
    (root / "client.py").write_text(CLIENT)
    path = directory / "README.md"
    path.write_text(text.replace("PYTHON", sys.executable), encoding="utf-8")
    return path


def minimal(body):
    """A well-formed handout around `body`, which starts at line 5."""
    return f"# Lab 07: small\n\n<!-- lab minutes=5 -->\n\n{body}\n"


def guide_environment():
    """The environment in which a test starts the guide: as if make did, and nothing of the terminal of who runs the tests."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES", "TERM")
    }
    return {**kept, "TERM": "xterm", "MAKEFLAGS": "w", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
