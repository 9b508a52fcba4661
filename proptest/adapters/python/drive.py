#!/usr/bin/env python3
"""A small self-encrypting drive, which speaks fdelab's line protocol (docs/adapter.md).

The drive has two blocks of flash, of one page each. A record fills one of them: PINs as wrapped keys,
ranges, counts of tries. A new record goes to the blank block, and then the old one is erased.

    root key      32 bytes in the chip
    KEK           HKDF-SHA256(root key || PIN, salt); a PIN that is not 32 bytes long is first stretched
    AK            32 random bytes for each authority, stored as AES-KW(KEK, AK)
    MEK           64 random bytes for each range, stored as AES-KW(AK of its BandMaster, MEK); while the
                  range is open after a power loss, also as AES-KW(key of the chip, MEK). After a sanitize,
                  which takes no PIN, the second alone is there until the BandMaster comes

The state lies in three files, PATH.chip, PATH.flash and PATH.media: a process that is killed loses
only its RAM. It needs Python 3.9 and python3-cryptography.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

RANGES_MAX = 8
PAGE = 4096
BLANK = b"\xff" * PAGE
ITERATIONS = 100  # of PBKDF2: far too few for a drive, but a suite opens thousands of sessions
BY_POWER, BY_WARM, BY_HOT = 1, 2, 4  # bits of LockOnReset
NEVER, SANITIZING, SANITIZED, FAILED = range(4)  # the last sanitize


class Refused(Exception):
    """What the host asked for is refused; the text is one of the protocol's refusals."""


class FlashError(Exception):
    """An operation of the flash failed."""


class PowerCut(Exception):
    """The power went."""


# ---- Keys ----


def hkdf(key, salt, info):
    prk = hmac.digest(salt, key, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def kek(root, pin, salt):
    """The key-encrypting key of a PIN."""
    if len(pin) != 32:
        # HMAC pads its key with zeros: without the length "PIN" and "PIN\0" would be one PIN.
        pin = hashlib.pbkdf2_hmac("sha256", pin + bytes([len(pin)]), salt, ITERATIONS)
    return hkdf(root + pin, salt, b"drive.py KEK")


def chip_key(root):
    return hkdf(root, b"", b"drive.py chip")


def psid_check(root, psid):
    return hkdf(root + psid, b"", b"drive.py PSID")


def crypt(mek, lba, data, encrypt):
    c = Cipher(algorithms.AES(mek), modes.XTS(struct.pack("<QQ", lba, 0)))
    return (c.encryptor() if encrypt else c.decryptor()).update(data)


class Entropy:
    """The random source, with a check that it neither stands still nor repeats."""

    def __init__(self):
        self.fed, self.repeat, self.at, self.seen = None, False, 0, set()

    def feed(self, data, repeat):
        """data None is the source of the operating system."""
        self.fed, self.repeat, self.at = data, repeat, 0

    def raw(self, n):
        if self.fed is None:
            return os.urandom(n)
        out = b""
        while len(out) < n:
            if self.at == len(self.fed):
                if not self.repeat or not self.fed:
                    raise Refused("entropy failure")
                self.at = 0
            part = self.fed[self.at : self.at + n - len(out)]
            self.at += len(part)
            out += part
        return out

    def draw(self, n):
        """n random bytes; n is a multiple of 16."""
        out = self.raw(n)
        for i in range(0, n, 16):
            block = hashlib.sha256(out[i : i + 16]).digest()
            if len(set(out[i : i + 16])) == 1 or block in self.seen:
                raise Refused("entropy failure")
            self.seen.add(block)
        return out


# ---- Flash ----


class Flash:
    """Two blocks of one page in a file. Faults come from here, and from nowhere else."""

    kinds = ["power-before", "power-torn", "power-after", "program-refused", "program-torn", "erase-refused", "erase-torn"]

    def __init__(self, path, new):
        self.path = path
        if new:
            with open(path, "wb") as f:
                f.write(BLANK * 2)
        self.arm("")

    def arm(self, faults):
        """faults are KIND or KIND@N, separated by blanks."""
        self.faults, self.done, self.fired = {}, {}, {}
        for word in faults.split():
            kind, _, at = word.partition("@")
            if kind not in self.kinds:
                raise Refused("invalid parameter")
            self.faults.setdefault(kind, []).append(int(at) if at else None)

    def fires(self, *kinds):
        """Which of the kinds fire for this operation."""
        out = []
        for kind in kinds:
            n = self.done.get(kind, 0)
            self.done[kind] = n + 1
            if any(at is None or at == n for at in self.faults.get(kind, [])):
                self.fired[kind] = self.fired.get(kind, 0) + 1
                out.append(kind)
        return out

    def read(self, block):
        with open(self.path, "rb") as f:
            f.seek(block * PAGE)
            return f.read(PAGE)

    def change(self, block, whole, torn, *kinds):
        """Writes whole, or torn where a fault ends the operation in its middle."""
        fired = self.fires("power-before", "power-torn", "power-after", *kinds)
        refused = [k for k in fired if k.endswith("-refused")]
        halves = [k for k in fired if k.endswith("-torn")]
        if "power-before" not in fired and not refused:
            with open(self.path, "r+b") as f:
                f.seek(block * PAGE)
                f.write(torn if halves else whole)
        if any(k.startswith("power-") for k in fired):
            raise PowerCut()
        if fired:
            raise FlashError()

    def program(self, block, data):
        if self.read(block) != BLANK:
            raise FlashError()
        half = data[: len(data) // 2]
        self.change(block, data.ljust(PAGE, b"\xff"), half.ljust(PAGE, b"\xff"), "program-refused", "program-torn")

    def erase(self, block):
        old = self.read(block)
        half = len(old.rstrip(b"\xff")) // 2
        self.change(block, BLANK, b"\xff" * half + old[half:], "erase-refused", "erase-torn")

    def zero(self, block):
        self.change(block, bytes(PAGE), bytes(PAGE // 2) + self.read(block)[PAGE // 2 :])


class Media:
    """The sectors that were ever written, in a file: LBA (8 bytes, big endian) and ciphertext."""

    def __init__(self, path, size, new):
        self.size, self.places, self.path = size, {}, path
        if new:
            open(path, "wb").close()
        self.file = open(path, "r+b", buffering=0)
        end = os.path.getsize(path) // (8 + size)
        for i in range(end):
            self.places[struct.unpack(">Q", os.pread(self.file.fileno(), 8, i * (8 + size)))[0]] = i

    def read(self, lba):
        i = self.places.get(lba)
        return None if i is None else os.pread(self.file.fileno(), self.size, i * (8 + self.size) + 8)

    def write(self, lba, data):
        i = self.places.setdefault(lba, len(self.places))
        os.pwrite(self.file.fileno(), struct.pack(">Q", lba) + data, i * (8 + self.size))


# ---- The record ----

HEAD = struct.Struct(">8sQIIII")  # magic, generation, ranges, tries of the PSID, sanitize, spare
SLOT = struct.Struct(">HB5x16s40s")  # tries, at MSID, salt, wrap of the AK
BAND = struct.Struct(">QQBBBB4x72s8x72s8x")  # start, length, locks enabled, LockOnReset, kept locks, chip wrap there, by AK, by chip


class Slot:
    def __init__(self, tries=0, at_msid=1, salt=bytes(16), wrap=bytes(40)):
        self.tries, self.at_msid, self.salt, self.wrap = tries, at_msid, salt, wrap


class Band:
    def __init__(self, start=0, length=0, enabled=0, resets=BY_POWER, keep=0, open=1, by_ak=bytes(72), by_chip=bytes(72)):
        self.start, self.length, self.enabled, self.resets, self.keep = start, length, enabled, resets, keep
        self.by_ak, self.by_chip = by_ak, by_chip

    def open_after_power(self):
        """Nobody has to authenticate after a power loss. Bit 0 is reading, bit 1 writing."""
        return not self.enabled & (3 if self.resets & BY_POWER else self.keep)


class Record:
    def __init__(self, ranges):
        self.generation, self.psid_tries, self.sanitize = 0, 0, NEVER
        self.slots = [Slot() for _ in range(ranges + 3)]  # SID, EraseMaster, BandMaster 0, 1, ...
        self.bands = [Band() for _ in range(ranges + 1)]

    def encode(self, root):
        b = HEAD.pack(b"PYDRIVE1", self.generation, len(self.bands) - 1, self.psid_tries, self.sanitize, 0)
        for s in self.slots:
            b += SLOT.pack(s.tries, s.at_msid, s.salt, s.wrap)
        for g in self.bands:
            b += BAND.pack(g.start, g.length, g.enabled, g.resets, g.keep, g.open_after_power(), g.by_ak, g.by_chip)
        return b + hmac.digest(hkdf(root, b"", b"drive.py record"), b, "sha256")

    @staticmethod
    def decode(page, root):
        """None if the page holds no whole record."""
        magic, generation, ranges, psid_tries, sanitize, _ = HEAD.unpack_from(page)
        if magic != b"PYDRIVE1" or ranges > RANGES_MAX:
            return None
        r, at = Record(ranges), HEAD.size
        r.generation, r.psid_tries, r.sanitize = generation, psid_tries, sanitize
        for i in range(len(r.slots)):
            r.slots[i] = Slot(*SLOT.unpack_from(page, at))
            at += SLOT.size
        for i in range(len(r.bands)):
            r.bands[i] = Band(*BAND.unpack_from(page, at))
            at += BAND.size
        tag = hmac.digest(hkdf(root, b"", b"drive.py record"), page[:at], "sha256")
        return r if hmac.compare_digest(tag, page[at : at + 32]) else None


# ---- The drive ----


class Drive:
    """One drive. Every method is a command of a host; it raises Refused with the reason."""

    def __init__(self, path, wish=None, entropy=None):
        self.path = path
        self.entropy = entropy or Entropy()
        if wish:
            self.manufacture(wish)
        with open(path + ".chip") as f:
            chip = json.load(f)
        self.id = chip["id"]
        self.root, self.msid, self.psid_check = (bytes.fromhex(chip[k]) for k in ("root", "msid", "psid_check"))
        self.flash = Flash(path + ".flash", new=wish is not None)
        self.media = Media(path + ".media", self.id["sector_size"], new=wish is not None)
        self.off()
        if wish:
            self.on, self.record = True, Record(self.id["ranges"])
            self.block = 0
            self.flash.program(0, self.record.encode(self.root))
            self.factory()

    def manufacture(self, wish):
        root, msid, self.psid = self.entropy.draw(32), self.entropy.draw(32), self.entropy.draw(32)
        identity = {
            "maker": "fdelab", "model": "drive.py", "serial": "PY%06d" % (wish["seed"] % 10**6),
            "sector_size": wish["sector_size"], "sectors": wish["sectors"], "ranges": min(wish["ranges"], RANGES_MAX),
            "try_limit": wish["try_limit"], "persistent": wish["persistent"], "granularity": 1,
        }  # fmt: skip
        with open(self.path + ".chip", "w") as f:
            json.dump({"id": identity, "root": root.hex(), "msid": msid.hex(), "psid_check": psid_check(root, self.psid).hex()}, f)

    # -- Power and the record --

    def off(self):
        self.on, self.degraded, self.session, self.record = False, False, None, None
        self.meks, self.locks = {}, {}  # of ranges, in RAM

    def power_on(self):
        if self.on:
            return
        found = [(r.generation, b) for b in (0, 1) if (r := Record.decode(self.flash.read(b), self.root))]
        self.on = True
        if not found:
            self.degraded = True
            return
        self.block = max(found)[1]
        self.record = Record.decode(self.flash.read(self.block), self.root)
        if self.flash.read(1 - self.block) != BLANK:
            self.destroy(1 - self.block)  # what a step that was cut has left behind
        if not self.id["persistent"]:
            self.record.psid_tries = 0
            for s in self.record.slots:
                s.tries = 0
        for n, g in enumerate(self.record.bands):
            self.locks[n] = g.keep | (g.enabled if g.resets & BY_POWER else 0)
            if g.open_after_power():
                self.meks[n] = aes_key_unwrap(chip_key(self.root), g.by_chip)

    def commit(self):
        """Puts the record into force and destroys the old one."""
        self.record.generation += 1
        spare, page = 1 - self.block, self.record.encode(self.root)
        try:
            if self.flash.read(spare) != BLANK:
                self.flash.erase(spare)
            self.flash.program(spare, page)
        except FlashError:
            self.destroy(spare)
            raise
        self.block = spare
        self.destroy(1 - spare)

    def destroy(self, block):
        try:
            self.flash.erase(block)
        except FlashError:
            self.flash.zero(block)

    # -- PINs --

    def slot(self, who):
        n = {"SID": 0, "EraseMaster": 1}.get(who)
        if who.startswith("BandMaster") and who[10:].isdigit():
            n = 2 + int(who[10:])
        if n is None or n >= len(self.record.slots):
            raise Refused("invalid parameter")
        return n

    def start(self):
        if not self.on:
            raise Refused("no power")
        if self.session:
            raise Refused("security provider busy")

    def authenticate(self, who, pin):
        """The authority key of who. A wrong PIN is counted on flash before it is looked at."""
        self.start()
        if self.degraded:
            raise Refused("security degraded")
        slot = self.record.slots[self.slot(who)]
        if not pin:
            raise Refused("invalid parameter")
        if self.id["try_limit"] and slot.tries >= self.id["try_limit"]:
            raise Refused("authority locked out")
        slot.tries += 1
        self.commit()
        try:
            ak = aes_key_unwrap(kek(self.root, pin, slot.salt), slot.wrap)
        except InvalidUnwrap:
            raise Refused("not authorized") from None
        slot.tries = 0
        return ak

    def seal(self, slot, pin, ak):
        """Gives an authority a PIN."""
        slot.salt = self.entropy.draw(16)
        slot.wrap = aes_key_wrap(kek(self.root, pin, slot.salt), ak)
        slot.at_msid, slot.tries = int(pin == self.msid), 0

    # -- Ranges --

    def band(self, n):
        if n >= len(self.record.bands):
            raise Refused("invalid parameter")
        return self.record.bands[n]

    def mek(self, n, ak):
        g = self.band(n)
        return aes_key_unwrap(ak, g.by_ak) if any(g.by_ak) else aes_key_unwrap(chip_key(self.root), g.by_chip)

    def keep(self, n, mek, ak):
        """Wraps the key of a range for its BandMaster, and for the chip while the range opens by itself."""
        g = self.band(n)
        g.by_ak = aes_key_wrap(ak, mek)
        g.by_chip = aes_key_wrap(chip_key(self.root), mek) if g.open_after_power() else bytes(72)
        if self.locks[n] & g.enabled == 3:  # nobody needs it
            self.meks.pop(n, None)

    def relocked(self, n, ak):
        """After the locks of a range were set by its BandMaster."""
        g, mek = self.band(n), self.mek(n, ak)
        if not g.resets & BY_POWER:
            g.keep = self.locks[n]
        self.meks[n] = mek
        self.keep(n, mek, ak)

    def wipe(self, n):
        """A new key, MSID, no locks. The range keeps its place."""
        g = self.band(n)
        self.record.bands[n] = Band(g.start, g.length)
        self.locks[n], self.meks[n], ak = 0, self.entropy.draw(64), self.entropy.draw(32)
        self.seal(self.record.slots[2 + n], self.msid, ak)
        self.keep(n, self.meks[n], ak)

    def factory(self):
        for n in range(len(self.record.bands)):
            self.record.bands[n] = Band()
            self.wipe(n)
        for s in self.record.slots[:2]:
            self.seal(s, self.msid, self.entropy.draw(32))
        self.record.psid_tries = 0
        self.commit()
        self.degraded = False

    # -- Commands --

    def change(self, who, pin, effect):
        """Authenticates, runs effect with the authority key, and puts the record into force."""
        try:
            ak = self.authenticate(who, pin)
            locks, meks = dict(self.locks), dict(self.meks)
            try:
                effect(ak)
            except Refused:  # as before, and the PIN was right
                self.locks, self.meks = locks, meks
                self.reload()
                self.record.slots[self.slot(who)].tries = 0
                self.commit()
                raise
            try:
                self.commit()
            except FlashError:
                self.locks, self.meks = locks, meks
                raise
        except FlashError:
            self.reload()
            raise Refused("hardware failure") from None

    def reload(self):
        self.record = Record.decode(self.flash.read(self.block), self.root)

    def try_pin(self, who, pin):
        self.change(who, pin, lambda ak: None)

    def set_pin(self, who, pin, new):
        def effect(old):
            if not 1 <= len(new) <= 32:
                raise Refused("invalid parameter")
            i, ak = self.slot(who), self.entropy.draw(32)
            self.seal(self.record.slots[i], new, ak)
            if i >= 2:
                self.band(i - 2).by_ak = aes_key_wrap(ak, self.mek(i - 2, old))

        self.change(who, pin, effect)

    def migrate(self, n, pin, new):
        def effect(old):
            if len(new) != 32 or new == self.msid:
                raise Refused("invalid parameter")
            g, mek, ak = self.band(n), self.mek(n, old), self.entropy.draw(32)
            g.enabled, g.resets = 3, g.resets | BY_POWER
            self.seal(self.record.slots[2 + n], new, ak)
            self.keep(n, mek, ak)

        self.change("BandMaster%d" % n, pin, effect)

    def set_range(self, n, pin, start, length, enabled, resets):
        def effect(ak):
            if resets > 7 or start + length > (self.id["sectors"] if n else 0):
                raise Refused("invalid parameter")
            for o, g in enumerate(self.record.bands):
                if o not in (0, n) and length and g.length and start < g.start + g.length and g.start < start + length:
                    raise Refused("invalid parameter")
            g = self.band(n)
            g.start, g.length, g.enabled, g.resets = start, length, enabled, resets
            self.relocked(n, ak)

        self.change("BandMaster%d" % n, pin, effect)

    def set_locks(self, n, pin, locks):
        def effect(ak):
            self.locks[n] = locks
            self.relocked(n, ak)

        self.change("BandMaster%d" % n, pin, effect)

    def genkey(self, n, pin):
        def effect(ak):
            mek = self.entropy.draw(64)
            if n in self.meks:
                self.meks[n] = mek
            self.keep(n, mek, ak)

        self.change("BandMaster%d" % n, pin, effect)

    def erase(self, ranges, pin):
        def effect(ak):
            for n in ranges:
                self.wipe(n)

        self.change("EraseMaster", pin, effect)

    def erase_all(self, pin):
        self.erase(range(self.id["ranges"] + 1), pin)

    def revert(self, psid):
        self.start()
        if not psid:
            raise Refused("invalid parameter")
        self.record = self.record or Record(self.id["ranges"])
        if self.id["try_limit"] and self.record.psid_tries >= self.id["try_limit"]:
            raise Refused("authority locked out")
        locks, meks = dict(self.locks), dict(self.meks)
        try:
            self.record.psid_tries += 1
            self.commit()
            if not hmac.compare_digest(psid_check(self.root, psid), self.psid_check):
                raise Refused("not authorized")
            try:
                self.factory()
            except Refused:
                self.locks, self.meks = locks, meks
                self.reload()
                self.record.psid_tries = 0
                self.commit()
                raise
        except FlashError:
            self.locks, self.meks = locks, meks
            self.reload()
            raise Refused("hardware failure") from None

    def sanitize(self):
        """Begins a sanitize. A range with locks is its owner's: nobody gives its data up without a PIN."""
        self.ready()
        if any(g.enabled for g in self.record.bands):
            raise Refused("locked")
        was, self.record.sanitize = self.record.sanitize, SANITIZING
        try:
            self.commit()
        except FlashError:
            self.record.sanitize = was
            raise Refused("hardware failure") from None

    def sanitize_status(self):
        """How the last sanitize is. One that was begun does its work here: new keys, in one record."""
        self.ready()
        if self.record.sanitize == SANITIZING:
            try:
                meks = {n: self.entropy.draw(64) for n in range(len(self.record.bands))}
                for n, g in enumerate(self.record.bands):
                    g.by_ak, g.by_chip = bytes(72), aes_key_wrap(chip_key(self.root), meks[n])
                self.record.sanitize = SANITIZED
                self.commit()
                self.meks = meks
            except (Refused, FlashError):
                self.reload()
                self.record.sanitize = FAILED
                try:
                    self.commit()
                except FlashError:
                    pass  # then it is so in RAM, and after a power loss it goes on
        return self.record.sanitize

    def ready(self):
        if not self.on:
            raise Refused("no power")
        if self.degraded:
            raise Refused("security degraded")

    def open(self, who, pin):
        def effect(ak):
            self.session = (who, ak)

        try:
            self.change(who, pin, effect)
        except Refused:
            if self.session and self.session[0] == who:
                self.session = None
            raise

    def use(self):
        if not self.on:
            raise Refused("no power")
        if not self.session:
            raise Refused("no session")
        who, ak = self.session
        if not who.startswith("BandMaster"):
            raise Refused("invalid parameter")
        n = self.slot(who) - 2
        self.locks[n] = 0
        self.relocked(n, ak)
        self.commit()

    def reset(self, by):
        if not self.on:
            raise Refused("no power")
        self.session, changed = None, False
        for n, g in enumerate(self.record.bands if self.record else []):
            if not g.resets & by:
                continue
            self.locks[n] |= g.enabled
            if not g.resets & BY_POWER and g.keep != self.locks[n]:
                g.keep, changed = self.locks[n], True
                if not g.open_after_power():
                    g.by_chip = bytes(72)
            if self.locks[n] & g.enabled == 3:
                self.meks.pop(n, None)
        if changed:
            self.commit()

    def places(self, lba, sectors, direction):
        """The keys of sectors that are open in a direction: 1 reads, 2 writes."""
        self.ready()
        if self.record.sanitize in (SANITIZING, FAILED):
            raise Refused("invalid state")
        if lba + sectors > self.id["sectors"]:
            raise Refused("address out of range")
        out = []
        for at in range(lba, lba + sectors):
            inside = [n for n, g in enumerate(self.record.bands) if n and g.start <= at < g.start + g.length]
            n = inside[0] if inside else 0
            if self.locks[n] & self.record.bands[n].enabled & direction or n not in self.meks:
                raise Refused("locked")
            out.append((at, self.meks[n]))
        return out

    def read(self, lba, sectors):
        out = b""
        for at, mek in self.places(lba, sectors, 1):
            data = self.media.read(at)
            out += crypt(mek, at, data, False) if data else bytes(self.media.size)
        return out

    def write(self, lba, data):
        size = self.media.size
        for i, (at, mek) in enumerate(self.places(lba, len(data) // size, 2)):
            self.media.write(at, crypt(mek, at, data[i * size :][:size], True))


def derive(root, pin, image):
    """Every KEK that a PIN may lead to with the salts in a flash image."""
    salts = set()
    for at in range(0, len(image), PAGE):
        page = image[at : at + PAGE]
        if len(page) == PAGE and page.startswith(b"PYDRIVE1"):
            ranges = min(HEAD.unpack_from(page)[2], RANGES_MAX)
            salts.update(SLOT.unpack_from(page, HEAD.size + i * SLOT.size)[2] for i in range(ranges + 3))
    return [kek(root, pin, salt) for salt in sorted(salts)] if pin else []


# ---- The protocol: one line, one request; one line, one reply ----


def b64(data):
    return base64.b64encode(data).decode()


def binary(req, name):
    """Binary is base64, or lies in a file where it is long."""
    if name + "_path" in req:
        with open(req[name + "_path"], "rb") as f:
            return f.read()
    return base64.b64decode(req.get(name, ""))


class Adapter:
    """Requests by name. Each returns what is in its reply."""

    capabilities = [
        "migrate", "genkey", "erase-all", "sessions", "ranges", "tries", "msid", "state",
        "dump", "chip", "derive", "breaks", "feed", "sanitize",
    ]  # fmt: skip

    def hello(self, q):
        if q["protocol"] != 1:
            raise ValueError("drive.py speaks protocol 1")
        return {"protocol": 1, "capabilities": self.capabilities, "breaks": Flash.kinds}

    def make(self, q):
        entropy = Entropy()
        if "entropy" in q or "entropy_path" in q:
            entropy.feed(binary(q, "entropy"), q["repeat"])
        self.drive = d = Drive(q["state"], q, entropy)
        return {"serial": d.id["serial"], "msid": b64(d.msid), "psid": b64(d.psid)}

    def attach(self, q):
        self.drive = Drive(q["state"])

    def identify(self, q):
        self.powered()
        return self.drive.id

    def powered(self):
        if not self.drive.on:
            raise Refused("no power")

    def msid(self, q):
        self.powered()
        return {"msid": b64(self.drive.msid)}

    def do_try(self, q):
        self.drive.try_pin(q["who"], binary(q, "pin"))

    def set_pin(self, q):
        self.drive.set_pin(q["who"], binary(q, "pin"), binary(q, "new"))

    def set_range(self, q):
        enabled = q["read_lock"] + 2 * q["write_lock"]
        self.drive.set_range(q["range"], binary(q, "pin"), q["start"], q["length"], enabled, q["lock_on_reset"])

    def set_locks(self, q):
        self.drive.set_locks(q["range"], binary(q, "pin"), q["read"] + 2 * q["write"])

    def migrate(self, q):
        self.drive.migrate(q["range"], binary(q, "pin"), binary(q, "new"))

    def genkey(self, q):
        self.drive.genkey(q["range"], binary(q, "pin"))

    def erase(self, q):
        self.drive.erase([q["range"]], binary(q, "pin"))

    def erase_all(self, q):
        self.drive.erase_all(binary(q, "pin"))

    def revert(self, q):
        self.drive.revert(binary(q, "pin"))

    def sanitize(self, q):
        self.drive.sanitize()

    def sanitize_status(self, q):
        state = ["never", "sanitizing", "sanitized", "failed"][self.drive.sanitize_status()]
        return {"state": state, "progress": 0}

    def read(self, q):
        data = self.drive.read(q["lba"], q["sectors"])
        if "data_path" not in q:
            return {"data": b64(data)}
        with open(q["data_path"], "wb") as f:
            f.write(data)

    def write(self, q):
        self.drive.write(q["lba"], binary(q, "data"))

    def flush(self, q):
        self.powered()

    def power_off(self, q):
        self.drive.off()

    def power_on(self, q):
        self.drive.power_on()

    def reset(self, q):
        self.drive.reset({"warm": BY_WARM, "hot": BY_HOT}[q["kind"]])

    def open(self, q):
        self.drive.open(q["who"], binary(q, "pin"))

    def use(self, q):
        self.drive.use()

    def close(self, q):
        self.drive.session = None

    def range(self, q):
        self.powered()
        g, locks = self.drive.band(q["range"]), self.drive.locks[q["range"]]
        return {
            "start": g.start, "length": g.length, "read_lock": bool(g.enabled & 1), "write_lock": bool(g.enabled & 2),
            "lock_on_reset": g.resets, "read_locked": bool(locks & 1), "write_locked": bool(locks & 2),
        }  # fmt: skip

    def tries(self, q):
        self.powered()
        r = self.drive.record
        used = r.psid_tries if q["who"] == "PSID" else r.slots[self.drive.slot(q["who"])].tries
        return {"used": used, "limit": self.drive.id["try_limit"]}

    def at_msid(self, q):
        self.powered()
        return {"at_msid": bool(self.drive.record.slots[self.drive.slot(q["who"])].at_msid)}

    def state(self, q):
        self.powered()
        if self.drive.degraded:
            return {"state": "SecurityDegraded"}
        owned = not all(s.at_msid for s in self.drive.record.slots[2:])
        return {"state": "Configured" if owned else "Erased"}

    def dump(self, q):
        with open(q["flash_path"], "wb") as f:
            f.write(self.drive.flash.read(0) + self.drive.flash.read(1))
        with open(q["media_path"], "wb") as f, open(self.drive.media.path, "rb") as m:
            f.write(m.read())
        return {"blocks": 2, "pages": 1, "page_size": PAGE}

    def chip(self, q):
        root = self.drive.root
        return {"root": b64(root), "keys": [b64(chip_key(root))], "kdf": True}

    def kdf(self, q):
        pin = binary(q, "pin")
        if not pin:
            raise Refused("invalid parameter")
        return {"key": b64(kek(binary(q, "root"), pin, binary(q, "salt")))}

    def derive(self, q):
        return {"keys": [b64(k) for k in derive(self.drive.root, binary(q, "pin"), binary(q, "flash"))]}

    def feed(self, q):
        own = "entropy" not in q and "entropy_path" not in q
        self.drive.entropy.feed(None if own else binary(q, "entropy"), q.get("repeat", False))

    def do_break(self, q):
        self.drive.flash.arm(q["faults"])

    def fired(self, q):
        return {"fired": self.drive.flash.fired}

    def mend(self, q):
        self.drive.flash.arm("")

    def answer(self, q):
        name = q["do"].replace("-", "_")
        if name in ("try", "break"):
            name = "do_" + name
        try:
            return getattr(self, name)(q) or {}
        except Refused as e:
            return {"refused": str(e)}
        except FlashError:
            self.drive.reload()
            return {"refused": "hardware failure"}
        except PowerCut:
            self.drive.off()
            return {"refused": "power lost"}


def main():
    adapter = Adapter()
    for line in sys.stdin:
        q = json.loads(line)
        print(json.dumps({"id": q["id"], **adapter.answer(q)}), flush=True)


if __name__ == "__main__":
    main()
