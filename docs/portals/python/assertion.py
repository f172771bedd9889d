"""Verifies X-Identity-Assertion: a JWT (RFC 7519) signed with EdDSA or ES256.

Needs Python 3.9 and the package cryptography (Debian: python3-cryptography).
"""
import base64
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature


class Refused(Exception):
    """The assertion is not one of ours, for this portal, now, for this account."""


class Assertion:
    def __init__(self, keys, issuer, audience):
        """keys is the list "keys" of jwks.json, decoded."""
        self.keys = {key["kid"]: key for key in keys if key.get("use", "sig") == "sig"}
        self.issuer, self.audience = issuer, audience

    def verify(self, token, user, now):
        """Returns the claims. user is what X-Forwarded-User says, now is in Unix seconds."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > 16384:
            raise Refused("no token")
        header = _json(parts[0])
        kid = header.get("kid")
        key = self.keys.get(kid) if isinstance(kid, str) else None
        # The key says the algorithm; a token never chooses.
        if key is None or header.get("alg") != key["alg"]:
            raise Refused("unknown key or algorithm")
        _check(key, f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2]))
        claims = _json(parts[1])
        if claims.get("iss") != self.issuer or claims.get("aud") != self.audience:
            raise Refused("for somebody else")
        issued, expires = claims.get("iat"), claims.get("exp")
        if type(issued) is not int or type(expires) is not int or expires <= now or issued > now + 60:
            raise Refused("not in its time")
        if not user or claims.get("sub") != user:
            raise Refused("another account")
        return claims


def _check(key, text, signature):
    if len(signature) != 64:
        raise Refused("signature")
    try:
        if key["alg"] == "EdDSA" and key["kty"] == "OKP" and key["crv"] == "Ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(_bytes(key["x"])).verify(signature, text)
            return
        if key["alg"] == "ES256" and key["kty"] == "EC" and key["crv"] == "P-256":
            x, y = (int.from_bytes(_bytes(key[name]), "big") for name in "xy")
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            public.verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
            return
    except InvalidSignature as error:
        raise Refused("signature") from error
    raise Refused("unknown kind of key")


def _json(part):
    try:
        value = json.loads(_bytes(part))
    except (ValueError, RecursionError) as error:
        raise Refused("no JSON") from error
    if not isinstance(value, dict):
        raise Refused("no object")
    return value


def _bytes(text):
    """base64url without padding, in its one spelling."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text, re.ASCII):
        raise Refused("no base64url")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Refused("no base64url") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise Refused("no base64url")
    return raw
