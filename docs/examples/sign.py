#!/usr/bin/env python3
"""Signs URLs for an edge: sign.py SCHEME BASE PATH EXPIRES NAME SECRET"""
import base64
import hashlib
import hmac
import sys


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# begin ect
def ect(base, path, expires, kid, secret_hex):
    scope = path[: path.rindex("/") + 1]  # everything in and below the directory
    payload = f"exp={expires}\np={scope}\n"
    text = f"h1.{kid}.{b64url(payload.encode())}"
    mac = hmac.new(bytes.fromhex(secret_hex), text.encode(), hashlib.sha256)
    return f"{base}/ect={text}.{b64url(mac.digest())}{path}"
# end ect


# begin vdox
def vdox(base, path, expires, account, secret):
    at = expires - 300  # a token is good for 300 seconds after its time
    digest = hashlib.md5(f"{at}{path}{secret}".encode()).hexdigest()
    return f"{base}/?account={account}&file={path}&token={at:x}%7C{digest}"
# end vdox


# begin secure-link
def secure_link(base, path, expires, _, secret):
    digest = hashlib.md5(f"{expires}{path} {secret}".encode()).digest()
    return f"{base}{path}?md5={b64url(digest)}&expires={expires}"
# end secure-link


# begin edgeauth
def edgeauth(base, path, expires, _, secret_hex):
    acl = path[: path.rindex("/") + 1] + "*"
    text = f"exp={expires}~acl={acl}"
    mac = hmac.new(bytes.fromhex(secret_hex), text.encode(), hashlib.sha256)
    return f"{base}{path}?__token__={text}~hmac={mac.hexdigest()}"
# end edgeauth


# begin bunny
def bunny(base, path, expires, _, secret):
    mac = hmac.new(secret.encode(), f"{path}{expires}".encode(), hashlib.sha256)
    return f"{base}{path}?token=HS256-{b64url(mac.digest())}&expires={expires}"
# end bunny


schemes = {"ect": ect, "vdox": vdox, "secure-link": secure_link, "edgeauth": edgeauth, "bunny": bunny}
scheme, base, path, expires, name, secret = sys.argv[1:]
print(schemes[scheme](base, path, int(expires), name, secret))
