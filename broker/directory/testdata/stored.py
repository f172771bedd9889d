"""What Python stores for the password on standard input, by format, as JSON."""
import base64
import hashlib
import json
import os
import struct
import sys

password = sys.stdin.buffer.read()
salt = os.urandom(16)


def encoded(raw):
    return base64.b64encode(raw).decode()


def identity(prf, digest, rounds):
    """ASP.NET Identity, version 3."""
    key = hashlib.pbkdf2_hmac(digest, password, salt, rounds, 32)
    return encoded(b"\x01" + struct.pack(">III", prf, rounds, len(salt)) + salt + key)


def liferay(rounds, length=8):
    key = hashlib.pbkdf2_hmac("sha1", password, salt[:length], rounds, 20)
    return encoded(struct.pack(">II", 160, rounds) + salt[:length] + key)


def salted(digest):
    return encoded(hashlib.new(digest, password + salt[:8]).digest() + salt[:8])


print(json.dumps({
    "aspnet 2": encoded(b"\x00" + salt + hashlib.pbkdf2_hmac("sha1", password, salt, 1000, 32)),
    "aspnet 3 sha256": identity(1, "sha256", 10000),
    "aspnet 3 sha512": identity(2, "sha512", 100000),
    "aspnet 3 sha1": identity(0, "sha1", 1000),
    "liferay": liferay(128000),
    "liferay in braces": "{PBKDF2WithHmacSHA1}" + liferay(1000),
    "liferay, a longer salt": liferay(1300000, 16),
    "ssha": "{SSHA}" + salted("sha1"),
    "ssha256": "{SSHA256}" + salted("sha256").rstrip("="),
    "ssha384": "{ssha384}" + salted("sha384"),
    "django": "pbkdf2_sha256$26000$seasalt$" + encoded(hashlib.pbkdf2_hmac("sha256", password, b"seasalt", 26000)),
}))
