"""What looks like a credential, and what does not."""

from __future__ import annotations

import pytest

from productionpolicy.kube.credentials import holds_credential, is_credential, may_be_credential, names_credential


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "DB_PASSWORD", "PGPASSWORD", "dbPassword", "spring.datasource.password", "MYSQL_ROOT_PASSWD"),
        *("REDIS_PASS", "DB_PWD", "KEY_PASSPHRASE", "SECRET", "clientSecret", "JWT_SECRET", "TOKEN", "GITHUB_TOKEN"),
        *("authToken", "API_KEY", "apiKey", "MAIL_APIKEY", "TLS_PRIVATE_KEY", "SECRET_KEY_BASE", "ENCRYPTION_KEY"),
        *("AWS_SECRET_ACCESS_KEY", "DB_CREDENTIALS", "SMTP_CREDS", "PASSWORD_2", "TOKEN1"),
        *("PASS", "LDAP_BIND_PW"),
        *("AZURE_STORAGE_ACCESS_KEY", "FERNET_KEY", "RABBITMQ_ERLANG_COOKIE", "DBPASS", "PASSWORD_DB"),
    ],
)
def test_a_name_says_credential_by_its_last_word(name: str) -> None:
    assert names_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD_FILE", "SECRET_NAME", "TOKEN_TTL", "TOKEN_URL", "API_KEY_HEADER", "SECRETS_DIR", "PASSWORD_HASH"),
        *("AWS_ACCESS_KEY_ID", "KEY", "PUBLIC_KEY", "CACHE_KEY", "MAX_TOKENS", "MAX_TOKEN", "TOKENIZER", "PWD"),
        *(
            "BYPASS",
            "COMPASS",
            "NEXT_PUBLIC_TOKEN",
            "TLS_SECRET",
            "IMAGE_PULL_SECRET",
            "USE_TOKEN",
            "SECRETARY",
        ),
        *("AUTHOR", "AUTH_ENABLED", "", "_"),
    ],
)
def test_a_name_about_something_else_does_not(name: str) -> None:
    assert not names_credential(name)


@pytest.mark.parametrize("text", ["hunter2", "admin", "c2VjcmV0/c2Vj+cmV0==", "my_secret_value", "p@ss: word"])
def test_a_literal_may_be_a_credential(text: str) -> None:
    assert may_be_credential(text, of_password=False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "$(DB_PASSWORD)", "${DB_PASSWORD}", "$DB_PASSWORD", "{{ .Values.password }}", "<password>", "****"),
        *("xxxx", "REDACTED", "your-password", "DB_PASSWORD", "replace-me", "vault:secret/db", "op://shop/db/password"),
        *("arn:aws:ssm:eu:1:parameter/db", "ref+awsssm://db", "ENC[AES256_GCM,data:x]", "projects/1/secrets/db"),
        *(
            "true",
            "off",
            "0",
            "1",
            "24h",
            "/run/secrets/db",
            "./db.key",
            "file:///db.key",
            "https://login.example/token",
        ),
        *("__DB_PASSWORD__", "#{password}#", "((password))", "SECRET", "n/a", "TBD"),
        *("@Microsoft.KeyVault(SecretUri=https://shop.example/db)", "0x" + "a1B2" * 10),
    ],
)
@pytest.mark.parametrize("of_password", [True, False])
def test_a_reference_placeholder_switch_or_path_is_none(text: str, of_password: bool) -> None:
    assert not may_be_credential(text, of_password=of_password)


@pytest.mark.parametrize(
    "text", ["1234", "4096", "shop-credentials", "shop/web-tls", "web-of-the-shop", "changeme", "CHANGEME", "dummy"]
)
def test_a_number_a_name_of_a_secret_or_a_stand_in_is_one_only_as_a_password(text: str) -> None:
    assert (may_be_credential(text, of_password=True), may_be_credential(text, of_password=False)) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nMII",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "postgres://shop:hunter2@db.example/shop",
        "redis://:hunter2@cache.example:6379",
        "--from=amqp://guest:guest@[::1]:5672",
        "Server=db;Password=hunter2",
        "jdbc:postgresql://db.example/shop?user=shop&password=hunter2",
        "DefaultEndpointsProtocol=https;AccountKey=" + "a1B2" * 11,
        "AKIA" + "A1B2" * 4,
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 6,
        "glpat-" + "a1B2" * 5,
        "xoxb-" + "1234567890",
        "https://hooks.slack.com/services/T" + "A1B2C3/B" + "A1B2C3/" + "a1B2" * 6,
        "Bearer eyJ" + "hbGciOiJ9" * 2 + ".eyJ" + "zdWIiOiIx" * 2 + "." + "c2lnbmF0dXJl",
        "AIza" + "a1B2c" * 7,
        "sk_live_" + "a1B2" * 6,
        "host=db.example user=shop password=violet dbname=shop",
        "Password = violet; Server = db.example",
        "shop:violet@tcp(db.example:3306)/shop",
        "jdbc:oracle:thin:shop/violet@//db.example:1521/shop",
        'org.example.PlainLoginModule required username="shop" password="violet";',
        "https://shop.blob.example/web?sv=2024-11-04&sp=r&sig=" + "a1B2" * 10 + "abc%3D",
        "Endpoint=sb://shop.example/;SharedAccessKey=" + "a1B2" * 8,
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "Authorization: Basic c2hvcDp2aW9sZXQ=",
        "Authorization=Basic%20c2hvcDp2aW9sZXQ=",
        "CREATE USER shop IDENTIFIED BY 'violet'",
        "ALTER USER shop WITH ENCRYPTED PASSWORD 'violet'",
        "https://discord.com/api/webhooks/123456789012345678/" + "a1B2" * 17,
        "base64:" + "a1B" * 14 + "c=",
        "key-" + "a1b2" * 8,
    ],
)
def test_some_texts_are_credentials_under_any_name(text: str) -> None:
    assert is_credential(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "postgres://shop@db.example/shop",
        "postgres://shop:$(PASSWORD)@db.example/shop",
        "postgres://shop:${PASSWORD}@db.example/shop",
        "postgres://shop:<password>@db.example/shop",
        "postgres://shop:{{ password }}@db.example/shop",
        "postgres://shop:****@db.example/shop",
        "http://web.example:8080/users/@me",
        "smtp://mail.example:25?from=shop@shop.example",
        "https://web.example/verify?sig=$(SIGNATURE)",
        "oci://web:1.0@sha256:0123",
        "image: registry.example:5000/web:1.0@sha256:0123",
        "cd /srv; PWD=/srv web",
        "web; PASSWORD=$(cat /run/secrets/db)",
        'web; PASSWORD="$1"',
        "AKIA" + "IOSFODNN7EXAMPLE",
        "eyJ.eyJ.x",
        "sk-eleton",
        "host=db.example user=shop password=${PASSWORD}",
        "password=violet",
        "shop@tcp(db.example:3306)/shop",
        "Basic authentication is required",
        "Basic aG91c2U=",
        "ALTER USER shop WITH PASSWORD '$DB_PASSWORD'",
        "data:image/png;base64:" + "a1B2" * 40,
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_credential(text)


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "a.",
        "a://",
        "a:",
        "eyJ-",
        "eyJ" + "a" * 20,
        ";pwd ",
        "-----BEGIN A ",
        "host= password =; ",
        "a/",
        "a:b@",
        "Basic ",
        "PASSWORD '",
    ],
)
def test_a_long_text_is_read_in_no_time(part: str) -> None:
    """A search that went back and forth would take minutes here."""
    assert not is_credential(part * 20_000)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SECRET_SHOP", "violet-elephant-91"),
        ("NEO4J_AUTH", "neo4j/violet-elephant"),
        ("BASIC_AUTH", "admin:violet-elephant"),
        ("PROXY_AUTH", "YWRtaW46dmlvbGV0LWVsZXBoYW50OTE="),
        ("AZURE_BATCH_KEY", "q1w2e3r4t5y6u7i8=="),
        ("AGENT_LICENSE_KEY", "0123456789abcdef"),
        ("ERLANG_COOKIE", "violet-elephant"),
        ("option_requirepass", "violet"),
        ("option_pass", "violet"),
        ("HMAC_KEY", "violet"),
        ("SSHPASS", "violet"),
        ("shop.datasource.password", "violet"),
        ("PASS", "hunter2"),
        ("LDAP_BIND_PW", "violet"),
        ("API_KEYS", "9f86d081884c7d65,ab56d081884c7d66"),
        ("PASSWORDS", "hunter22,hunter33"),
        ("AUTH_TOKENS", "9f86d081884c7d65"),
        ("JWT_SECRET", "changeme"),
        ("NEXTAUTH_SECRET", "super-secret-value"),
        ("JWT_SECRET_KEY", "my-super-secret-key"),
        ("SECRET_KEY", "my-secret-key"),
        ("SECRET_KEY_BASE", "12345678"),
        ("DJANGO_SECRET", "please-dont-tell"),
        ("SHOP_SESSION_SECRET", "change-me-please"),
    ],
)
def test_a_name_and_a_text_are_a_credential(name: str, text: str) -> None:
    assert holds_credential(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("STORAGE_KEY", "users"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "1"),
        ("SHOW_PASSWORD", "0"),
        ("JWT_SECRET", "shop-jwt-secret"),
        ("APP_SECRET", "my-app-secret"),
        ("SESSION_SECRET", "shop-credentials"),
        ("WEBHOOK_SECRET", "web-of-the-shop"),
        ("STRIPE_SECRET_KEY", "changeme"),
        ("API_KEYS", "name,role"),
        ("MAX_AUTH_TOKENS", "100"),
        ("PASSWORD_ENCODER", "bcrypt"),
        ("TOKEN_ADDRESS", "shop1street2"),
        ("DB_PASSWORD_SECRET_KEY", "db-password"),
        ("ACCOUNT_KEY", "accountId"),
        ("PAD_TOKEN", "[PAD]"),
        ("EOS_TOKEN", "</s>"),
        ("SORT_TOKEN", "asc"),
        ("CSRF_COOKIE_TOKEN", "XSRF-TOKEN"),
        ("API_KEY", "X-API-Key"),
        ("PASSWORD_PROMPT_STRING", "Password:"),
        ("TOKEN_ISSUER", "issuer1of2shops"),
        ("SECRET_NAMESPACE", "shop2namespace"),
        ("SMTP_AUTH", "plain"),
        ("PROXY_AUTH", "login.example:8080"),
        ("NEO4J_AUTH", "none"),
        ("option_webhook-secret", "webhook"),
        ("option_private-key", "server.key"),
        ("NGC_API_KEY", "nvapi-NVKEY"),
        ("HF_TOKEN", "hf_YOUR_TOKEN"),
        ("OPENAI_API_KEY", "sk-API-KEY"),
    ],
)
def test_a_key_word_under_the_name_of_a_credential_is_none(name: str, text: str) -> None:
    assert not holds_credential(name, text)
