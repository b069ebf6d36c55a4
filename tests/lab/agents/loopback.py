"""Cuts this process, and what it starts, off from every network but this machine's own (Linux)."""

import ctypes
import fcntl
import os
import socket
import struct

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def only_loopback() -> str:
    """Leave the network for good. Returns why that cannot be done here; nothing where it is done.

    Only before the first thread is started: what is started later is cut off too.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.getuid(), os.getgid()
        if libc.unshare(_NEW_NETWORK) != 0:  # not the superuser: in a user namespace in which this user stays itself
            if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
                return os.strerror(ctypes.get_errno())
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""
