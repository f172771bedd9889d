"""Verifies what it reads, a token and a user a line, tab between: cli.py jwks.json issuer audience now"""
import json
import sys

from assertion import Assertion, Refused

with open(sys.argv[1], encoding="utf-8") as file:
    assertion = Assertion(json.load(file)["keys"], sys.argv[2], sys.argv[3])
sys.stdout.reconfigure(encoding="utf-8")
for line in sys.stdin:
    token, user = line.rstrip("\n").split("\t")
    try:
        claims = assertion.verify(token, user, int(sys.argv[4]))
        print("ok", claims["sub"], claims["name"], sep="\t")
    except Refused:
        print("refused")
