"""What looks like a credential: a name that says so, or a text that can be nothing else. No text is ever shown."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[.-]")
_COUNTED = re.compile(r"_?\d+$")

_SAYS_CREDENTIAL = re.compile(
    r"PASSW(?:OR)?D$|PASSPHRASE$|SECRET$|TOKEN$|API_?KEY$|PRIVATE_?KEY$|SECRET_?KEY(?:_BASE)?$|SECRET_?ACCESS_?KEY$"
    r"|(?:ENCRYPTION|SIGNING|MASTER|AUTH|ACCOUNT|STORAGE)_?KEY$|CREDENTIALS?$|_(?:CREDS|PASS|PWD)$"
)
"""A name ends in what it names: what follows the word (`_FILE`, `_NAME`, `_TTL`) names something else."""

_SAYS_OTHERWISE = re.compile(
    r"(?:^|_)(?:MAX|MIN|NUM|COUNT|LIMIT|ALLOW|ENABLED?|DISABLED?|USE|REQUIRED?|SKIP|NO|IS|HAS|PUBLIC|BY|PROXY_PASS)(?:_|$)"
    r"|(?:^|_)(?:TLS|SSL|CERT|CERTS|CERTIFICATE|CA|PULL|IMAGE|REGISTRY|K8S|KUBE|KUBERNETES)_(?:SECRET|CREDENTIALS?)$"
)
"""Limits, switches, what is public, and the names of Secrets."""

_REFERENCE = re.compile(
    r"\$[({\w]|\{\{|^<[^>]*>$|^%[\w()]+%?$|^\(\(.*\)\)$|^[@#_]{2}.*[@#_]{2}$|^#\{.*\}#?$"
    r"|^(?:ref\+\w+|vault|bao|sops|secret|secretref|env|file|arn|op|sm|asm|gsm|ssm|gcp-?sm|aws-?s?sm"
    r"|(?:aws-?)?secrets-?manager|gcp-?secret-?manager|azkv|akv|key-?vault|doppler|k8s|kubernetes|conjur):"
    r"|^ENC\[|^projects/[^/]+/secrets/",
    re.IGNORECASE,
)
"""What another program puts in the place of a text: variables, templates, the places of secrets."""

_PLACEHOLDER = re.compile(
    r"[*xX.\u2022]+|.*(?:redacted|placeholder|replace[-_ ]?(?:me|this|with)|insert[-_ ]).*|todo|your[-_ ].*|none|null"
    r"|nil",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|SECRET|PASSWORD|TOKEN|KEY")
"""The name of a variable, where a template, a person or the program itself puts its value."""

_SWITCH = re.compile(r"true|false|yes|no|on|off|enabled?|disabled?|\d+(?:ms|[smhd])", re.IGNORECASE)
_NUMBER = re.compile(r"[\d.]+")
_PLACE = re.compile(r"(?:[A-Za-z]:\\|(?:~|\.{1,2})?/)[\w./@\\-]*|\w+://[^@\s]*")
"""A path, or a URL in which nobody logs in."""

_NO_SECRETS = (_PLACEHOLDER, _VARIABLE, _SWITCH, _PLACE)

_SECRET_NAME = re.compile(
    r"[a-z0-9./-]*-(?:secrets?|credentials?|creds|tokens?|tls|certs?|keys?|auth)|[a-z./]+(?:-[a-z./]+)+"
)
"""What people call an object of the kind Secret."""

_IS_CREDENTIAL = re.compile(
    r"-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY-----"
    r"|\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/?#:@\"']{0,256}:[^\s/?#@$<>{}()*%\"']{1,256}@(?!sha256:)[\w\[]"
    r"|[;?&]\s{0,8}(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)\s{0,8}=\s{0,8}[^\s;&$<>{}()*%\"'`/]"
    r"|\bAccountKey=[A-Za-z0-9+/]{40}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b(?<!EXAMPLE)"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}"
    r"|\bxox[abeoprs]-[\w-]{10}|\bhooks\.slack\.com/services/T\w{6,20}/B\w{6,20}/\w{20}"
    r"|\beyJ[\w-]{10,4096}\.eyJ[\w-]{10,4096}\.[\w-]{10}"
    r"|\bAIza[\w-]{35}|\b[sr]k_live_[A-Za-z0-9]{20}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50}|\bhf_[A-Za-z0-9]{34}"
    r"|\bSG\.[\w-]{22}\.[\w-]{43}|\bsk-(?:proj|ant)-[\w-]{32}|\bdop_v1_[a-f0-9]{64}|\bhvs\.[\w-]{24}"
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{50}"
)
"""Private keys, logins in URLs and connection strings, and tokens that their issuers made to be recognised."""


def is_credential(text: str) -> bool:
    """Say whether a text holds a credential, whatever its name."""
    return _IS_CREDENTIAL.search(text) is not None


def names_credential(name: str) -> bool:
    """Say whether a variable of this name holds a credential, and not a path, a limit or the name of one."""
    plain = _COUNTED.sub("", _HUMP.sub("_", name).upper())
    return _SAYS_CREDENTIAL.search(plain) is not None and _SAYS_OTHERWISE.search(plain) is None


def may_be_credential(text: str, *, of_password: bool) -> bool:
    """Say whether a text under the name of a credential may be one: no reference, placeholder, switch or path is.

    Args:
        text: the value of a variable.
        of_password: whether the name says password, which may be a mere number, and is no name of a Secret.
    """
    bare = text.strip()
    if not bare or _REFERENCE.search(bare) or any(each.fullmatch(bare) for each in _NO_SECRETS):
        return False
    return of_password or not (_NUMBER.fullmatch(bare) or _SECRET_NAME.fullmatch(bare))
