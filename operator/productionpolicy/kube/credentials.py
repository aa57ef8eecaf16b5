"""Detection of credentials, by the name of a value or by its form. Values are never shown."""

from __future__ import annotations

import re
from base64 import b64decode

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[.-]")
_COUNTED = re.compile(r"_?\d+$")

_SAYS_CREDENTIAL = re.compile(
    r"PASSW(?:OR)?D$|PASSPHRASE$|SECRET$|TOKEN$|API_?KEY$|PRIVATE_?KEY$|SECRET_?KEY(?:_BASE)?$|ACCESS_?KEY$"
    r"|(?:ENCRYPTION|DECRYPTION|SIGNING|MASTER|FERNET|HMAC|PRE_?SHARED)_?KEY$|CREDENTIALS?$|_(?:CREDS|PASS|PWD|PW)$|^PASS$|(?:ERLANG|RELEASE)_?COOKIE$"
    r"|(?:DB|SQL|REQUIRE|USER|ADMIN|ROOT|REDIS|MAIL|SMTP|LDAP|BIND|SSH|SUDO|STORE|KEY)PASS$|MASTER_?AUTH$|(?:REDIS|VALKEY)_AUTH$"
)
"""A name ends in what it denotes: a suffix such as `_FILE`, `_NAME` or `_TTL` denotes something else."""

_MAY_SAY_CREDENTIAL = re.compile(
    r"(?:AUTH|ACCOUNT|STORAGE|LICEN[SC]E|BATCH|SUBSCRIPTION|SHARED|JWT|AES)_?KEY$"
    r"|(?:PASSWORDS|API_?KEYS|(?:ACCESS|API|AUTH|BEARER)_?TOKENS)$"
    r"|(?:^|_)(?:PAD|PADDING|[BE]OS|UNK|SEP|CLS|MASK|STOP|START|END|SORT|SPECIAL|PAGE|NEXT|PREV)_TOKEN$"
    r"|^OPTION_(?:\w+_)?(?:SECRET|CREDENTIALS?)$"
)
"""Words in names of credentials, but also of keywords of programs, lists and Secret objects. The value decides."""

_OF_PERSON = re.compile(r"PASS|PWD|_PW$|COOKIE$")
"""Words for values that people choose, which may be numbers or words, and never name a Secret object."""

_SIGNS = re.compile(
    r"(?:(?:^|_)(?:JWT|SESSION|COOKIE|NEXTAUTH|CSRF|FLASK|DJANGO)|^(?:APP|AUTH|HMAC|SIGNING))_?SECRET(?:_?KEY(?:_?BASE)?)?$"
    r"|^SECRET_?KEY(?:_?BASE)?$"
)
"""Names of keys with which an application signs. People choose these, too, but a value may name a Secret object."""

_LOGIN = re.compile(r"(?:^|_)AUTH$")

_WORD_FIRST = re.compile(
    r"(?:^|_)(?P<word>PASSW(?:OR)?D|PASSPHRASE|SECRET|TOKEN|API_?KEY)_(?P<rest>[A-Z]+(?:_[A-Z]+)?)$"
)
_DESCRIBES = re.compile(
    r"(?:^|_)(?:\w*(?:FILE|PATH|NAME|DIR|DIRECTORY|FOLDER|LENGTH|SIZE|TIME|TIMEOUT|HASH|SPACE|SECONDS|MINUTES|DAYS)S?"
    r"|UR[LI]S?|TTL|HEADERS?|TYPES?|POLICY|PROMPT|ALG|ALGO|ALGORITHM|ISSUER|AUD|AUDIENCES?|ENDPOINT|HOST|PORT"
    r"|EXPIR\w*|DURATION|INTERVAL|ROTATION|REFRESH|SERVICE|PROVIDER|BACKEND|STORE|MANAGER|ENGINE|MOUNT|VERSION"
    r"|IDS?|REFS?|REFERENCE|KEYS?|PREFIX|SUFFIX|FORMAT|CACHE|COOKIE|CLAIMS?|SCOPES?|ENCODING|REALM|USER|REGION"
    r"|ADDRESS(?:ES)?|CONTRACT|SYMBOL|DECIMALS|ENCODER|HASHER|GENERATOR|VALIDATORS?|STRENGTH|COMPLEXITY|HISTORY|ATTEMPTS"
    r"|AGE|CHANGED|UPDATED|LABELS?|ANNOTATIONS?|COUNT|LIMIT|BUDGET|MODE|METHOD|STRATEGY|GRANT|VALIDITY|RESET|FIELD|ATTRIBUTE|STRING"
    r"|MESSAGE|COMMAND|CMD|SCRIPT|CLASS|ARN|SOURCE|LOCATION|PARAM|PARAMETER|REGEX|PATTERN|CHARS|LEN|RETRIES|WEBHOOK"
    r"|VALUE|CONFIG|SETTINGS|OPTIONS|HELPER|SERVER|CLIENT|REVIEW|AUTH|ENV|VAR|VARIABLE)(?:_|$)"
)
"""Suffixes with which a name denotes something about a credential."""

_SAYS_OTHERWISE = re.compile(
    r"(?:^|_)(?:MAX|MIN|NUM|COUNT|LIMIT|ALLOW|ENABLED?|DISABLED?|USE|REQUIRED?|SKIP|NO|IS|HAS|PUBLIC|BY|PROXY_PASS)(?:_|$)"
    r"|(?:^|_)(?:TLS|SSL|CERT|CERTS|CERTIFICATE|CA|PULL|IMAGE|REGISTRY|K8S|KUBE|KUBERNETES)_(?:SECRET|CREDENTIALS?)$"
    r"|(?:PASSWORD|PASSWD|TOKEN|USER|USERNAME|CREDENTIALS?)_SECRET_KEY$"
)
"""Limits, switches, public values, and names of Secrets and of their keys."""

_REFERENCE = re.compile(
    r"\$[({\w]|`|\{\{|^<[^>]*>$|^%[\w()]+%?$|^\(\(.*\)\)$|^[@#_]{2}.*[@#_]{2}$|^#\{.*\}#?$"
    r"|^(?:ref\+\w+|vault|bao|sops|secret|secretref|env|file|arn|op|sm|asm|gsm|ssm|gcp-?sm|aws-?s?sm"
    r"|(?:aws-?)?secrets-?manager|gcp-?secret-?manager|azkv|akv|key-?vault|doppler|k8s|kubernetes|conjur):"
    r"|^@Microsoft\.KeyVault\(|^!vault\b|^ENC\[|^projects/[^/]+/secrets/",
    re.IGNORECASE,
)
"""Values that another program replaces: variables, templates, locations of secrets."""

_PLACEHOLDER = re.compile(
    r"[*xX.\u2022]+|.*(?:redacted|placeholder|replace[-_ ]?(?:me|this|with)|insert[-_ ]).*|todo|tbd|your[-_ ].*"
    r"|none|null|nil|n/?a|\[[^\]]*\]",
    re.IGNORECASE,
)
_STAND_IN = re.compile(r"(?:change|set)[-_ ]?(?:me|this)|dummy|fake", re.IGNORECASE)
"""Words that no issuer of tokens or keys gives out, but that work as passwords."""

_VARIABLE = re.compile(
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|SECRET|PASSWORD|TOKEN|KEY|[a-z]{2,6}[-_][A-Z_-]{0,32}(?:TOKEN|KEY)"
)
"""The name of a variable as a placeholder for its value.

It may follow the prefix of an issuer's tokens, as in `hf_TOKEN`.
"""

_SWITCH = re.compile(r"true|false|yes|no|on|off|enabled?|disabled?|[01]|\d+(?:ms|[smhd])", re.IGNORECASE)
_NUMBER = re.compile(r"[\d.]+")
_PLACE = re.compile(r"(?:[A-Za-z]:\\|(?:~|\.{1,2})?/)[\w./@\\-]*|\w+://[^@\s]*")
"""A path, or a URL without a login."""

_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
"""The public address of an account or a contract; a private key is longer."""

_FILE = re.compile(r"[\w.-]+\.(?:pem|key|crt|json|ya?ml|txt|p12|jks|conf|env)")

_NO_SECRETS = (_PLACEHOLDER, _VARIABLE, _SWITCH, _PLACE, _FILE, _ADDRESS)

_OBJECT = r"[a-z0-9./-]*-(?:secrets?|credentials?|creds|tokens?|tls|certs?|keys?|auth)"
_SECRET_NAME = re.compile(rf"{_OBJECT}|[a-z./]+(?:-[a-z./]+)+")
"""A typical name of a Secret object."""

_SECRET_OF_AN_APP = re.compile(
    rf"(?!(?:(?:an?|my|our|the|this|is|some|very|super|top|please|change|me|jwt|session|cookie|secrets?|tokens?|keys?)(?:-|$))+$){_OBJECT}"
)
"""A name of a Secret object that also says whose it is, unlike `my-super-secret-key`."""

_KEY_WORD = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+|[a-z]{1,4}")
"""The name of a header, such as `X-API-Key`, or a short word, such as `asc`."""

_LOGS_IN = re.compile(r"[\w.@-]{1,64}:(?!\d+$)[^\s/:]{4,128}")
_LOGS_IN_TO_NEO4J = re.compile(r"\w{1,64}/[^\s/]{4,128}")
_LEAST_STRONG, _LEAST_BLOB = 8, 16

_PASSWORD_BESIDE = re.compile(
    r"(?:^|[\s;&?,\"'])(?:password|passwd|pwd)\s?=\s?(?:\\?\"([^\"\\]+)|'([^']+)|([^\s;&,\"']+))", re.IGNORECASE
)
_CONNECTS = re.compile(
    r"\b(?:host|hostaddr|user(?: ?id|name)?|uid|dbname|server|data source|database|initial catalog)\s?="
    r"|LoginModule\s+required",
    re.IGNORECASE,
)
"""Other keys in connection strings of libpq, ADO.NET and Kafka that contain a password."""

_IS_CREDENTIAL = re.compile(
    r"-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"|\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/?#:@\"']{0,256}:[^\s/?#@$<>{}()*%\"']{1,256}@(?!sha256:)[\w\[]"
    r"|[;?&]\s{0,8}(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)\s{0,8}=\s{0,8}[^\s;&$<>{}()*%\"'`/]"
    r"|\b(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{20}"
    r"|[?&]sig=[A-Za-z0-9%+/]{40}"
    r"|\b[\w.-]{1,64}:[^\s:@/$<>{}()*%\"']{1,256}@(?:tcp|unix)\("
    r"|\b[\w.-]{1,64}/[^\s:@/$<>{}()*%\"']{1,256}@//[\w.-]"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b(?<!EXAMPLE)"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}"
    r"|\bxox[abeoprs]-[\w-]{10}|\bhooks\.slack\.com/services/T\w{6,20}/B\w{6,20}/\w{20}"
    r"|\beyJ[\w-]{10,4096}\.eyJ[\w-]{10,4096}\.[\w-]{10}"
    r"|\bAIza[\w-]{35}|\b[sr]k_live_[A-Za-z0-9]{20}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50}|\bhf_[A-Za-z0-9]{34}"
    r"|\bSG\.[\w-]{22}\.[\w-]{43}|\bsk-(?:proj|ant)-[\w-]{32}|\bdop_v1_[a-f0-9]{64}|\bhvs\.[\w-]{24}"
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{50}|\btskey-[a-z]{2,12}-\w{10}|\bkey-[0-9a-f]{32}\b"
    r"|\bdiscord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60}|\bbase64:[A-Za-z0-9+/]{43}=(?![\w=])"
)
"""Private keys, logins in URLs and connection strings, and tokens that are designed to be recognized."""


_BASIC = re.compile(r"\bBasic(?:\s|%20){1,4}([A-Za-z0-9+/]{6,1024}={0,2})(?![\w+/=])")
"""The header of basic authentication, with an encoded login."""

_SETS_PASSWORD = re.compile(
    r"\b(?:IDENTIFIED\s{1,8}(?:WITH\s{1,8}\w{1,64}\s{1,8})?BY|PASSWORD)\s{1,8}'([^'\n]{1,256})'", re.IGNORECASE
)
"""A statement of SQL that sets the password of a user."""


def is_credential(text: str) -> bool:
    """Return whether a value contains a credential, regardless of its name."""
    return (
        _IS_CREDENTIAL.search(text) is not None
        or _connects_with_password(text)
        or any(map(_is_encoded_login, _BASIC.findall(text)))
        or any(may_be_credential(each, of_password=True) for each in _SETS_PASSWORD.findall(text))
    )


def _is_encoded_login(text: str) -> bool:
    try:
        login = b64decode(text, validate=True).decode()
    except ValueError:
        return False
    return ":" in login and login.isprintable()


def holds_credential(name: str, text: str) -> bool:
    """Return whether a value with this name, of a variable or an option, is a credential.

    Most names are sufficient. Some also denote keywords or logins; then the value must look like a credential, too.
    """
    plain = _plain(name)
    bare, of_person = text.strip(), _OF_PERSON.search(plain) is not None
    signs = _SIGNS.search(plain) is not None and _SECRET_OF_AN_APP.fullmatch(bare) is None
    if _SAYS_OTHERWISE.search(plain) or not may_be_credential(text, of_password=of_person or signs):
        return False
    if _MAY_SAY_CREDENTIAL.search(plain) or _says_word_first(plain, of_password=False):
        return _is_strong(bare)
    if _LOGIN.search(plain) and not _SAYS_CREDENTIAL.search(plain):
        return _is_login(bare, neo4j="NEO4" in plain)
    return names_credential(name) and (of_person or _KEY_WORD.fullmatch(bare) is None)


def names_credential(name: str) -> bool:
    """Return whether a variable with this name contains a credential, not a path, a limit or a name of one."""
    plain = _plain(name)
    says = _SAYS_CREDENTIAL.search(plain) is not None or _says_word_first(plain, of_password=True)
    return says and _SAYS_OTHERWISE.search(plain) is None


def _plain(name: str) -> str:
    return _COUNTED.sub("", _HUMP.sub("_", name).upper())


def _says_word_first(plain: str, *, of_password: bool) -> bool:
    """Return whether a name has the word for a credential before what it belongs to, as in `PASSWORD_DB`."""
    found = _WORD_FIRST.search(plain)
    if found is None or _DESCRIBES.search(found["rest"]) or _SAYS_CREDENTIAL.search(plain):
        return False
    return found["word"].startswith("PASS") is of_password


def _is_strong(text: str) -> bool:
    letters, digits = any(map(str.isalpha, text)), any(map(str.isdigit, text))
    return len(text) >= _LEAST_STRONG and letters and digits and " " not in text


def _is_login(text: str, *, neo4j: bool) -> bool:
    """Return whether a value is a user name with a password, or long enough to be an encoded one."""
    blob = len(text) >= _LEAST_BLOB and _is_strong(text) and text != text.lower() and "." not in text
    return blob or _LOGS_IN.fullmatch(text) is not None or (neo4j and _LOGS_IN_TO_NEO4J.fullmatch(text) is not None)


def _connects_with_password(text: str) -> bool:
    if not _CONNECTS.search(text):
        return False
    found = ("".join(each) for each in _PASSWORD_BESIDE.findall(text))
    return any(may_be_credential(each, of_password=True) for each in found)


def may_be_credential(text: str, *, of_password: bool) -> bool:
    """Return whether the value of a credential name may be one: not a reference, placeholder, switch or path.

    Args:
        text: the value of a variable.
        of_password: whether the name denotes a password, which may be a mere number, and never names a Secret.
    """
    bare = text.strip()
    if not bare or _REFERENCE.search(bare) or any(each.fullmatch(bare) for each in _NO_SECRETS):
        return False
    return of_password or not any(each.fullmatch(bare) for each in (_NUMBER, _SECRET_NAME, _STAND_IN))
