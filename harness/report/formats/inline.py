"""What stands inside a page of HTML: data in which no tag begins, and the policy by which its own script alone runs."""

import base64
import gzip
import hashlib
import json


def inert(value: object) -> str:
    """JSON that can stand inside a script element."""
    return _short(value).replace("<", "\\u003c")


def packed(value: object) -> str:
    """JSON, compressed, in letters that can stand anywhere."""
    return base64.b64encode(gzip.compress(_short(value).encode(), mtime=0)).decode()


def policy(style: str, script: str | None = None) -> str:
    """The content security policy of a page with this style and this script, which loads nothing."""
    scripts = f"script-src {_digest(script)}; " if script is not None else ""
    return f"default-src 'none'; {scripts}style-src {_digest(style)}; img-src data:"


def _short(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
