#!/usr/bin/env python3
"""Verifies an audit export of vneid-proxy (JSON lines on standard input).

Needs nothing of the ledger: no key, no database. The signatures are verified
where the package "cryptography" is installed. Arguments are the ids of
signing keys that are trusted; without any, the keys in the export are taken
at their word.
"""
import hashlib
import json
import sys

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None


def prefixed(*parts):
    """Each part after its length, as an unsigned LEB128 number."""
    out = b""
    for part in parts:
        part = part if isinstance(part, bytes) else str(part).encode()
        n = len(part)
        while n >= 0x80:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        out += bytes([n]) + part
    return out


def row_hash(r):
    get = lambda name: r.get(name, "")
    return hashlib.sha256(prefixed(
        "vneid-proxy audit row", r["seq"], bytes.fromhex(get("prev")), r["written"], bytes.fromhex(get("mac")),
        get("id"), r["at"], get("event"), get("actor"), get("account"), get("citizen"), get("key_id"), get("data_key"),
        bytes.fromhex(get("sealed")))).hexdigest()


def signed(s, trusted):
    key = bytes.fromhex(s.get("public_key", ""))
    if not key:
        return "its key is not in the export"
    if hashlib.sha256(b"id" + key).hexdigest()[:8] != s["signer"]:
        return "another key than it says"
    if trusted and s["signer"] not in trusted:
        return "signed by " + s["signer"] + ", which is not trusted"
    text = prefixed("vneid-proxy audit statement", s["type"], s["seq"], s["at"], s["hash"], s["key_id"], s["signer"])
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(s["signature"]), text)
    except Exception:
        return "its signature is wrong"
    return None


def main(trusted):
    seq = hash_ = None
    rows = statements = 0
    for line in sys.stdin:
        r = json.loads(line)
        if r["type"] == "row":
            if seq is not None and (r["seq"] != seq + 1 or r["prev"] != hash_):
                sys.exit("row %d does not follow row %d" % (r["seq"], seq))
            if row_hash(r) != r["hash"]:
                sys.exit("row %d is not as it was sealed" % r["seq"])
            seq, hash_, rows = r["seq"], r["hash"], rows + 1
            continue
        if seq is not None and (r["seq"] != seq or r["hash"] != hash_):
            sys.exit("the %s of row %d says otherwise" % (r["type"], r["seq"]))
        seq, hash_ = r["seq"], r["hash"]
        if Ed25519PublicKey:
            fault = signed(r, trusted)
            if fault:
                sys.exit("%s of row %d: %s" % (r["type"], r["seq"], fault))
            statements += 1
    print("whole: %d rows, %d signatures verified, last row %s, hash %s" % (rows, statements, seq, hash_))


main(set(sys.argv[1:]))
