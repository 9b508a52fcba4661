#!/usr/bin/env python3
"""A client of the bridge to drives (docs/bridge.md), with nothing but Python's own library.

bridge.py SOCKET DRIVE discover              the features of level 0 discovery, a line each
bridge.py SOCKET DRIVE send PROTOCOL COMID   IF-SEND of standard input
bridge.py SOCKET DRIVE recv PROTOCOL COMID SIZE   IF-RECV, to standard output
bridge.py SOCKET DRIVE identify CNS          NVMe Identify, to standard output
"""
import socket
import struct
import sys

VERSION, MOST = 1, 16 << 20
SEND, RECV, IDENTIFY, INQUIRY = 1, 2, 3, 4
STATUS = {
    1: "invalid security protocol", 2: "invalid transfer length", 3: "other invalid command parameter",
    4: "synchronous protocol violation", 5: "a range is locked", 6: "the drive has no power",
    7: "a sanitize operation is under way, or failed",
    0xF0: "no such drive", 0xF1: "no such command",
}


class Refused(Exception):
    def __init__(self, status):
        super().__init__("refused: status %02Xh, %s" % (status, STATUS.get(status, "unknown")))
        self.status = status


class Bridge:
    """A connection, for one thread: a command is answered before the next is sent."""

    def __init__(self, path, drive=0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.drive = drive

    def close(self):
        self.socket.close()

    def command(self, op, protocol, number, size, payload=b""):
        head = struct.pack(">BBBBHHII", VERSION, op, self.drive, protocol, number, 0, size, 0)
        self.socket.sendall(head + payload)
        version, status, _, n = struct.unpack(">BBHI", self.read(8))
        if version != VERSION or n > MOST:
            raise OSError("what listens there does not speak version %d of the bridge" % VERSION)
        data = self.read(n)
        if status:
            raise Refused(status)
        return data

    def read(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise OSError("the server hung up")
            data += piece
        return data

    def send(self, protocol, comid, payload):
        self.command(SEND, protocol, comid, len(payload), payload)

    def recv(self, protocol, comid, size):
        return self.command(RECV, protocol, comid, size)

    def identify(self, cns):
        return self.command(IDENTIFY, 0, cns, 4096)


def features(discovery):
    """The feature descriptors of level 0 discovery: code, version, data (TCG Core 2.01, 3.3.6)."""
    end, at = 4 + struct.unpack_from(">I", discovery)[0], 48
    while at + 4 <= min(end, len(discovery)):
        code, version, n = struct.unpack_from(">HBB", discovery, at)
        yield code, version >> 4, discovery[at + 4:at + 4 + n]
        at += 4 + n


def main(args):
    number = lambda text: int(text, 0)
    try:
        path, drive, what, rest = args[0], number(args[1]), args[2], [number(a) for a in args[3:]]
        need = {"discover": 0, "send": 2, "recv": 3, "identify": 1}[what]
        if len(rest) != need or not 0 <= drive <= 255:
            raise ValueError
    except (IndexError, KeyError, ValueError):
        sys.stderr.write(__doc__)
        return 2
    try:
        bridge = Bridge(path, drive)
        if what == "discover":
            for code, version, data in features(bridge.recv(1, 1, 2048)):
                print("%04x version %d: %s" % (code, version, data.hex()))
        elif what == "send":
            bridge.send(rest[0], rest[1], sys.stdin.buffer.read())
        else:
            sys.stdout.buffer.write(bridge.recv(*rest) if what == "recv" else bridge.identify(*rest))
    except (OSError, Refused) as error:
        sys.stderr.write("bridge: %s\n" % error)
        return 1 if isinstance(error, Refused) else 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
