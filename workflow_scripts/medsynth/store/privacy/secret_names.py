"""Which names say that their value is a secret. Standard library only."""

from __future__ import annotations

import re
from functools import lru_cache

# db_password, dbPassword, DB-PASSWORD and password2 alike: parts between signs, cases and digits.
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
# A part may be joined to the one before: authtoken, dbpassword.
ENDS = (
    *("password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "pwd", "secret"),
    *("token", "credential", "credentials", "apikey", "accesskey", "secretkey", "privatekey"),
)
ALONE = {"auth", "authorization", "cookie", "signature", "bearer", "pw"}
# Before `key`, and before `pass`, which mean much else.
KEYS = {
    *("api", "access", "private", "secret", "encryption", "signing", "account", "auth", "shared"),
    *("master", "ssh", "deploy", "storage", "subscription", "service", "client", "license"),
}
PASSES = {"db", "database", "user", "my", "admin", "root", "http", "https", "proxy", "smtp", "ftp"}
# Of language models: none is a secret. A number of tokens, a tokenizer are no names of one anyhow.
TOKENS = {
    *("pad", "eos", "bos", "unk", "mask", "sep", "cls", "image", "max", "min", "num", "n", "per"),
    *("special", "start", "end", "class", "text", "new", "next", "time", "first", "last", "stop"),
    *("prompt", "begin", "null", "empty", "uncond", "register", "cond"),
}
# What follows the word says that the value is something about the secret: the path of a TOKEN_FILE.
ABOUT = {
    *("file", "path", "dir", "folder", "id", "ids", "name", "names", "type", "length", "len"),
    *("size", "count", "limit", "policy", "url", "host", "env", "variable", "ttl", "field"),
    *("column", "files", "paths", "dim", "dims", "number", "index", "embedding"),
}
FOLDERS = {"PWD", "OLDPWD"}  # of a shell


@lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """Whether a key, option, variable or header of this name has a secret for its value."""
    if name in FOLDERS:
        return False
    parts = [part.lower() for part in PART.findall(name)]
    if not parts or ABOUT & {parts[-1]}:
        return False
    if len(parts) == 1 and parts[0] in ALONE | {"pass"}:
        return True
    return any(
        _is_secret(part, parts[place - 1] if place else "") for place, part in enumerate(parts)
    )


def _is_secret(part: str, before: str) -> bool:
    if part == "key":
        return before in KEYS
    if part == "pass":
        return before in PASSES
    if part.endswith("token"):
        return before not in TOKENS and part.removesuffix("token") not in TOKENS | {"tik"}
    return part.endswith(ENDS) or part in ("authorization", "cookie")


def is_count(name: str, value: str) -> bool:
    """Whether a number is one of tokens, passes and the like: a password may be all digits."""
    last = (PART.findall(name) or [""])[-1].lower()
    value = value.partition("/")[0]
    return len(value) < 6 and value.isdecimal() and last.endswith(("token", "secret", "pass"))
