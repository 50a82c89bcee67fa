"""What a test may need of the machine that it runs on, and not every machine has."""

import shutil
import socket
import subprocess


def has_ipv6() -> bool:
    """True if something can listen on the IPv6 loopback address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


def resolves_localhost() -> bool:
    """False in a bare tree without /etc/hosts, where no resolver knows the name by itself."""
    try:
        return bool(socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM))
    except OSError:
        return False


def can_trace() -> bool:
    """False where strace isn't installed, or isn't allowed to look into a process, as in some containers."""
    words = ["strace", "-o", "/dev/null", "true"]
    return bool(shutil.which("strace")) and subprocess.run(words, check=False).returncode == 0
