import contextlib
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import config
from config.credentials import check_encryption
from config.sections.section import Misconfigured, Secret
from config.settings import Settings
from config.settings_file import load
from core.kernel.encryption import create_key

SHIPPED = sorted(Path(config.__file__).parent.glob("*.toml"))
PASSWORD = "correct horse battery staple"
SECRETS = {
    "BURSAR__MYSQL__PASSWORD": PASSWORD,
    "BURSAR__SMTP__PASSWORD": PASSWORD,
    "BURSAR__SES__SECRET_ACCESS_KEY": PASSWORD,
    "BURSAR__TWILIO__AUTH_TOKEN": PASSWORD,
    "BURSAR__REDIS__URL": f"redis://:{PASSWORD}@localhost",
    "BURSAR__REGISTRY__USER": "bursar",
    "BURSAR__REGISTRY__PASSWORD": PASSWORD,
    "BURSAR__REGISTRY__TOKEN": PASSWORD,
}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Read a configuration file under environment variables."""

    def read(toml: str = "", environ: Mapping[str, str] | None = None, **changes: Any) -> Settings:
        path = tmp_path / "bursar.toml"
        path.write_text(toml, encoding="utf-8")
        return load(path, environ or {}, changes)

    return read


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_configuration_is_understood(path: Path) -> None:
    assert isinstance(load(path, {}), Settings)


def test_nothing_written_means_the_defaults(read: Any) -> None:
    assert read() == Settings()


def test_what_is_written_counts(read: Any) -> None:
    settings = read('serve = ["http"]\n[adapters]\nemail = ["ses", "smtp"]\n[http]\nport = 8080\n')

    assert (settings.serve, settings.adapters.email, settings.http.port) == (("http",), ("ses", "smtp"), 8080)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_settings_are_utf8_with_or_without_a_byte_order_mark(read: Any, mark: str, tmp_path: Path) -> None:
    secret = tmp_path / "name"
    secret.write_bytes(f"{mark}परीक्षा".encode())

    assert read(f'{mark}[inventory]\nname = "शुल्क"\n').inventory.name == "शुल्क"
    assert read("", {"BURSAR__INVENTORY__NAME_FILE": str(secret)}).inventory.name == "परीक्षा"


def test_settings_in_another_encoding_are_refused_with_the_place(read: Any, tmp_path: Path) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes(b"Pr\xfcfung")

    with pytest.raises(Misconfigured, match=r"latin is not UTF-8 text \(byte 3, 0xfc in line 1\): save it as UTF-8"):
        load(latin, {})
    with pytest.raises(Misconfigured, match=r"BURSAR__INVENTORY__NAME_FILE: .*latin is not UTF-8 text \(byte 3"):
        read("", {"BURSAR__INVENTORY__NAME_FILE": str(latin)})


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        ('[adapters]\npersistence = "mysqll"\n', "$.adapters.persistence"),
        ('[adapters]\nemail = ["smtp", "carrier-pigeon"]\n', "$.adapters.email[1]"),
        ('[adapters]\nemails = ["smtp"]\n', "$.adapters"),
        ("[htp]\nport = 1\n", "`htp`"),
        ('[http]\nport = "many"\n', "$.http.port"),
        ('serve = ["http", "htp"]\n', "$.serve[1]"),
        ('[smtp]\ntls = "ssl"\n', "$.smtp.tls"),
        ('serve = ["http", "relay", "http"]\n', "http is named twice - at `$.serve`"),
        ('[adapters]\nemail = ["smtp", "smtp"]\n', "smtp is named twice - at `$.adapters.email`"),
        ('[adapters]\nsms = ["console", "console"]\n', "console is named twice - at `$.adapters.sms`"),
        ('[adapters]\npayments = ["stripe", "stripe"]\n', "stripe is named twice - at `$.adapters.payments`"),
        ('[payments]\ngateway_by_currency = {USD = "stripe"}\n', "is no gateway of adapters.payments"),
        ('[payments]\ngateway_by_currency = {usd = "sandbox"}\n', "$.payments.gateway_by_currency"),
        ('[stripe]\nurl = "api.stripe.com"\n', "$.stripe.url"),
        ('[sandbox]\nwebhook_secret = "whsec_c2hvcnQ="\n', "24 to 64 random bytes"),
    ],
)
def test_a_misspelt_word_is_named_with_its_file_and_path(read: Any, toml: str, path: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(toml)

    assert path in str(refusal.value)
    assert "bursar.toml" in str(refusal.value)


@pytest.mark.parametrize("toml", ["[http\n", "port = \n", "a = 1\na = 2\n"])
def test_what_is_no_toml_is_named_with_its_file(read: Any, toml: str) -> None:
    with pytest.raises(Misconfigured, match=r"bursar\.toml is not TOML: .*line \d"):
        read(toml)


@pytest.mark.parametrize(
    ("toml", "said"), [(f"a = {'9' * 5_000}", "thousands of digits"), (f"a = {'[' * 50_000}", "too deep")]
)
def test_toml_that_no_parser_takes_is_told_in_words(read: Any, toml: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=rf"bursar\.toml is not TOML: .*{said}"):
        read(toml)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize(
    "name",
    [
        "BURSAR__ADAPTERS__EMIAL",
        "BURSAR__ADAPTER__EMAIL",
        "BURSAR__EMAIL",
        "BURSAR__HTTP__PORT__NUMBER",
        "BURSAR__PROVISION__NOW",
        "BURSAR__",
        "BURSAR__HTTP__PORTS_FILE",
    ],
)
def test_a_misspelt_variable_is_named(read: Any, name: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("smtp")
    with pytest.raises(Misconfigured, match=rf"{name}: there is no such setting"):
        read("provision = true\n", {name: str(tmp_path / "value")})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BURSAR__HTTP__PORT", "many", r"\$\.http\.port"),
        ("BURSAR__ADAPTERS__EMAIL", "ses,sex", r"\$\.adapters\.email\[1\]"),
        ("BURSAR__HTTP__PORT", "", "is empty: give it a value, or remove it"),
        ("BURSAR__ADAPTERS__EMAIL", "", "is empty: give it a value, or remove it"),
        ("BURSAR__HTTP__HOST", "", r"length >= 1 - at `\$\.http\.host"),
        ("BURSAR__SQLITE__PATH", "", r"length >= 1 - at `\$\.sqlite\.path"),
        ("BURSAR__ADAPTERS__EMAIL__0", "ses", "BURSAR__ADAPTERS__ is followed by one of .*, cache, .* commas separate"),
        ("BURSAR__HTTP", "8000", "BURSAR__ is followed by one of adapters__…, "),
        ("BURSAR__KAFKA__CA_FILE", "ca.pem", r"ca\.pem is without effect while tls is none"),
    ],
)
def test_a_bad_variable_is_blamed_instead_of_the_file(read: Any, name: str, value: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}.*{reason}"):
        read("[kafka]\npartitions = 2\n", {name: value})


@pytest.mark.parametrize(
    "url",
    [
        "redis://:{}@host:pa:ss/0",
        "redis://:{}/@host:6379",
        "redis://:{}@host:6379/zero",
        "redis://:{}@host:6379?ssl_cert_reqs=none",
        "http://:{}@host:6379",
        "redis://user:{}@[::1/0",
        "{}",
    ],
)
def test_a_malformed_redis_url_is_refused_without_its_password(read: Any, url: str) -> None:
    with pytest.raises(Misconfigured, match=r"redis://user:password@host:6379/0.*\$\.redis") as refusal:
        read("", {"BURSAR__REDIS__URL": url.format(PASSWORD)})

    assert PASSWORD not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    "toml",
    [
        '[mysql]\nca_file = "ca.pem"\n',
        '[kafka]\ntls = "unverified"\nca_file = "ca.pem"\n',
        '[mysql]\ntls = "verified"\nkey_file = "key.pem"\n',
        '[kafka]\nsasl = "plain"\nuser = "office"\npassword = "secret"\n',
        '[kafka]\nsasl = "scram-sha-512"\nuser = "office"\n',
        '[kafka]\nuser = "office"\npassword = "secret"\n',
        '[redis]\nca_file = "ca.pem"\n',
    ],
)
def test_encryption_that_would_have_no_effect_is_refused(read: Any, toml: str) -> None:
    with pytest.raises(Misconfigured, match=r"\$\.(mysql|kafka|redis)"):
        read(toml)


def test_environment_variables_override_the_file(read: Any) -> None:
    environ = {
        "BURSAR__HTTP__PORT": "9000",
        "BURSAR__PROVISION": "true",
        "BURSAR__RESILIENCE__DEADLINE_SECONDS": "2.5",
        "BURSAR__ADAPTERS__EMAIL": "ses,smtp",
        "BURSAR__ADAPTERS__SMS": "sandbox",
        "BURSAR__SERVE": "http",
    }
    settings = read('serve = ["relay"]\n[http]\nport = 8080\nhost = "::1"\n', environ)

    assert (settings.http.port, settings.http.host, settings.provision) == (9000, "::1", True)
    assert settings.resilience.deadline_seconds == 2.5
    assert (settings.adapters.email, settings.adapters.sms) == (("ses", "smtp"), ("sandbox",))
    assert settings.serve == ("http",)


def test_other_variables_are_none_of_our_business(read: Any) -> None:
    assert read("", {"BURSAR_TEST_MYSQL_URL": "x", "PATH": "y", "bursar__http__port": "z"}) == Settings()


def test_explicit_overrides_win_and_keep_other_settings(read: Any) -> None:
    settings = read(
        '[adapters]\nsms = ["sandbox"]\n',
        {"BURSAR__ADAPTERS__PERSISTENCE": "mysql"},
        adapters={"persistence": "memory"},
    )

    assert (settings.adapters.persistence, settings.adapters.sms) == ("memory", ("sandbox",))


def test_a_mounted_secret_is_read_from_its_file(read: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    settings = read("", {"BURSAR__MYSQL__PASSWORD_FILE": str(secret)})

    assert settings.mysql.password.reveal() == PASSWORD


def test_a_setting_whose_own_name_ends_like_a_file_is_no_secret(read: Any) -> None:
    assert read("", {"BURSAR__SMTP__CA_FILE": "/etc/ca.pem"}).smtp.ca_file == "/etc/ca.pem"


def test_keys_are_read_by_number_and_no_error_shows_one(read: Any, tmp_path: Path) -> None:
    newer, older = create_key(), create_key()
    file = tmp_path / "keys"
    file.write_text(f"{newer}\n{older}\n")
    settings = read("", {"BURSAR__ENCRYPTION__KEYS_FILE": str(file)})

    assert list(settings.encryption.by_number()) == [int(each.partition(":")[0]) for each in (newer, older)]
    assert newer not in repr(settings)
    key = newer.partition(":")[2]
    for bad in (newer[:-4], f"{newer},{newer}", key, "1:", f"65536:{key}", "²:x"):
        with pytest.raises(Misconfigured, match=r"encryption\.keys: .*key") as refused:
            read("", {"BURSAR__ENCRYPTION__KEYS": bad})
        assert key[:8] not in str(refused.value)


def test_a_database_server_needs_a_key_and_the_refusal_names_the_command_that_makes_one(read: Any) -> None:
    on_mysql = '[adapters]\npersistence = "mysql"\n'
    with pytest.raises(Misconfigured, match="bursar encryption create-key"):
        check_encryption(read(on_mysql))
    check_encryption(read(on_mysql, {"BURSAR__ENCRYPTION__KEYS": create_key()}))
    check_encryption(read(""))


def test_a_mounted_secret_that_is_not_there_is_named(read: Any, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="BURSAR__MYSQL__PASSWORD_FILE"):
        read("", {"BURSAR__MYSQL__PASSWORD_FILE": str(tmp_path / "nowhere")})


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bursar.toml"
    path.write_bytes(b'title = "\xff"')
    with pytest.raises(Misconfigured, match=r"bursar\.toml"):
        load(path, {})


def test_a_channel_needs_a_vendor(read: Any) -> None:
    with pytest.raises(Misconfigured, match=r"\$\.adapters\.email"):
        read("[adapters]\nemail = []\n")


def test_a_secret_can_be_revealed(read: Any) -> None:
    settings = read("", SECRETS)

    assert settings.mysql.password.reveal() == settings.twilio.auth_token.reveal() == PASSWORD


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda settings: repr(msgspec.structs.asdict(settings))])
def test_no_secret_appears_when_settings_are_shown(read: Any, show: Any) -> None:
    assert PASSWORD not in show(read("", SECRETS))


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins])
def test_no_secret_appears_when_settings_are_encoded(read: Any, encode: Any) -> None:
    settings, written = read("", SECRETS), ""
    with contextlib.suppress(TypeError):
        written = repr(encode(settings))

    assert PASSWORD not in written


def test_no_secret_appears_when_settings_are_refused(read: Any) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read("", SECRETS | {"BURSAR__HTTP__PORT": "many"})

    assert PASSWORD not in repr(refusal.value)
    assert PASSWORD not in repr(refusal.value.__cause__)


def test_a_secret_tells_only_whether_there_is_one() -> None:
    assert (repr(Secret(PASSWORD)), str(Secret(PASSWORD)), repr(Secret())) == ("Secret(…)", "Secret(…)", "Secret()")


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_several_workers_on_single_process_persistence_are_refused(read: Any, store: str) -> None:
    with pytest.raises(Misconfigured, match=rf"http\.workers \(2\) need a database .* {store} is for one"):
        read(f'[adapters]\npersistence = "{store}"\n[http]\nworkers = 2\n')

    assert read('[adapters]\npersistence = "mysql"\n[http]\nworkers = 2\n').http.workers == 2


def test_a_secret_that_can_be_guessed_is_refused(read: Any) -> None:
    with pytest.raises(Misconfigured, match=r"admission\.secret needs at least 32 characters - at `\$\.admission`"):
        read("", {"BURSAR__ADMISSION__SECRET": "x" * 31})

    assert read("", {"BURSAR__ADMISSION__SECRET": "x" * 32}).admission.secret.reveal() == "x" * 32


@pytest.mark.parametrize("section", ["admission", "audit", "identity"])
def test_a_published_example_is_no_secret(read: Any, section: str) -> None:
    with pytest.raises(Misconfigured, match=rf"{section}\.secret is a published example"):
        read("", {f"BURSAR__{section.upper()}__SECRET": "only-for-development-only-for-development"})


def test_the_key_of_an_example_encrypts_nothing(read: Any) -> None:
    with pytest.raises(Misconfigured, match="key 1 is a published example"):
        read("", {"BURSAR__ENCRYPTION__KEYS": "1:b25seS1mb3ItZGV2ZWxvcG1lbnQtb25seS1mb3ItZGU"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email", "The stores <stores@example.org>"),
        ("email", "stores@example.org\n"),
        ("email", "stores"),
        ("email", "s" * 250 + "@example.org"),
        ("phone", "020 2555 0123"),
        ("phone", "+0202555"),
        ("language", "english"),
        ("name", ""),
        ("name", "The\nstores"),
        ("zone", "Asia/Atlantis"),
        ("zone", ""),
    ],
)
def test_invalid_inventory_staff_settings_are_refused(read: Any, name: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=r"\$\.inventory"):
        read("", inventory={name: said})


def test_inventory_staff_settings_are_optional(read: Any) -> None:
    staff = read('[inventory]\nemail = ""\nphone = ""\nzone = "Asia/Kathmandu"\n').inventory

    assert (staff.email, staff.phone, staff.zone) == ("", "", "Asia/Kathmandu")


@pytest.mark.parametrize("name", ["commands_days", "events_days"])
def test_an_inbox_that_forgets_sooner_than_messages_come_again_is_refused(read: Any, name: str) -> None:
    for days in (13, 14, 30):
        with pytest.raises(Misconfigured, match=rf"retention\.inbox_days \(14\) must be more than kafka\.{name}"):
            read(f"[kafka]\n{name} = {days}\n")

    assert read(f"[kafka]\n{name} = 12\n").retention.inbox_days == 14


def test_the_inbox_remembers_longer_than_messages_wait_in_rabbitmq(read: Any) -> None:
    chosen = '[adapters]\nevents = "rabbitmq"\n'
    for days in (13, 14, 49):
        with pytest.raises(Misconfigured, match=r"inbox_days \(14\) must be more than rabbitmq\.messages_days"):
            read(f"{chosen}[rabbitmq]\nmessages_days = {days}\n")
    with pytest.raises(Misconfigured, match=r"rabbitmq\.messages_days"):
        read(f"{chosen}[rabbitmq]\nmessages_days = 50\n")

    assert read(f"{chosen}[rabbitmq]\nmessages_days = 12\n[kafka]\nevents_days = 30\n").rabbitmq.messages_days == 12


@pytest.mark.parametrize("section", ["smtp", "ses"])
@pytest.mark.parametrize(
    "bad",
    [
        "",
        "<>",
        "nowhere",
        "a@x.org, b@x.org",
        "Fee\nBcc: x@y.org <a@x.org>",
        "Fee <a..b@x.org>",
        "Fee <a@xn--a.org>",
        "Fee <a@ex\u200bample.org>",
    ],
)
def test_a_sender_that_is_no_mailbox_is_refused_by_name(read: Any, section: str, bad: str) -> None:
    with pytest.raises(Misconfigured, match=rf"{section}\.sender '.*at `\$\.{section}\.sender`"):
        read("", **{section: {"sender": bad}})


@pytest.mark.parametrize("good", ["Fee Office, Pune <fees@example.org>", "fees@example.org", "शुल्क <fees@शुल्क.भारत>"])
def test_a_sender_may_have_a_name_and_an_international_domain(read: Any, good: str) -> None:
    assert read("", smtp={"sender": good}).smtp.sender == good


@pytest.mark.parametrize(
    "good", ["+919876543210", "56767", "Bursar", "Fee Office", "F-1 & Co_+", "MG" + "0aF" * 10 + "99"]
)
def test_twilio_sends_from_a_number_an_id_or_a_service(read: Any, good: str) -> None:
    assert read("", twilio={"sender": good}).twilio.sender == good


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ",
        "98765 43210",
        "+098765",
        "12",
        "123456789",
        "Twelve lettr",
        " Bursar",
        "Büro",
        "MG0123456789",
        "Bursar\n",
        "a@x.org",
    ],
)
def test_another_sender_of_twilio_is_refused_by_name(read: Any, bad: str) -> None:
    with pytest.raises(Misconfigured, match=r"twilio\.sender"):
        read("", twilio={"sender": bad})


@pytest.mark.parametrize(
    ("section", "name", "bad"),
    [
        ("twilio", "url", "api.twilio.com"),
        ("twilio", "url", ""),
        ("twilio", "url", "https://api.twilio.com:70000"),
        ("ses", "url", "ftp://mail.example.org"),
        ("http", "public_url", "https://fees.example.org:0"),
        ("http", "public_url", "https://fees.example.org:४४३"),
        ("http", "public_url", "https://fees.example.org\n"),
        ("students", "country", "in"),
        ("students", "country", "XX"),
        ("inventory", "phone", "12345"),
        ("inventory", "email", "a..b@example.org"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_by_name(read: Any, section: str, name: str, bad: str) -> None:
    with pytest.raises(Misconfigured, match=rf"\$\.{section}|{section}\.{name}"):
        read("", **{section: {name: bad}})


PROVIDERS = """
[http]
public_url = "https://fees.example.org"
[oidc.google]
client_id = "bursar"
[oidc.keycloak]
issuer = "https://sso.example.org/realms/school"
client_id = "bursar"
scopes = ["openid"]
"""
PROVIDER_SECRETS = {"BURSAR__OIDC__GOOGLE__CLIENT_SECRET": PASSWORD, "BURSAR__OIDC__KEYCLOAK__CLIENT_SECRET": PASSWORD}


def test_identity_providers_have_the_names_that_the_operator_gives(read: Any) -> None:
    settings = read(PROVIDERS, PROVIDER_SECRETS | {"BURSAR__OIDC__KEYCLOAK__SCOPES": "openid,email"})

    assert settings.oidc.keys() == {"google", "keycloak"}
    assert settings.oidc["google"].client_secret.reveal() == PASSWORD
    assert settings.oidc["keycloak"].scopes == ("openid", "email")
    assert PASSWORD not in repr(settings)


@pytest.mark.parametrize(("toml", "environ", "told"), [
    (PROVIDERS, {}, "client_secret"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__GOOGLE__CLIENT_SECRET": ""}, "client_secret is empty"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__GOOGLE": "x"}, "BURSAR__OIDC__GOOGLE"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__GOOGLE__CLIENT": "x"}, "client_id"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__CLUB__CLIENT_ID": "x"}, "oidc"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__HTTP__PUBLIC_URL": ""}, "http.public_url"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__HTTP__PUBLIC_URL": "http://fees.example.org"}, "http.public_url"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__KEYCLOAK__ISSUER": ""}, "oidc.keycloak.issuer is empty"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__KEYCLOAK__ISSUER": "http://sso.example.org"}, "is not https"),
    (PROVIDERS, {**PROVIDER_SECRETS, "BURSAR__OIDC__KEYCLOAK__SCOPES": "email"}, "openid"),
    (PROVIDERS.replace("oidc.google", "oidc.'a b'"), PROVIDER_SECRETS, "oidc"),
])  # fmt: skip
def test_a_wrong_identity_provider_is_told_at_the_start(
    read: Any, toml: str, environ: Mapping[str, str], told: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(toml, environ)

    assert told in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "registry", "told"),
    [
        ("etcd", {"token": PASSWORD}, r"registry\.token is of consul"),
        ("consul", {"user": "bursar", "password": PASSWORD}, r"registry\.user is of etcd"),
        ("etcd", {"user": "bursar"}, r"registry\.password are set together"),
        ("consul", {"token": PASSWORD, "url": "http://consul.example.org:8500"}, "is not https"),
        ("etcd", {"ca_file": "ca.pem"}, r"ca\.pem is without effect"),
        ("etcd", {"url": "https://localhost", "key_file": "key.pem"}, "needs certificate_file"),
        ("etcd", {"url": "localhost:2379"}, r"registry\.url"),
        ("etcd", {"ttl_seconds": 2}, r"registry\.ttl_seconds"),
        ("etcd", {"name": "a/b"}, r"registry\.name"),
        ("etcd", {"advertised_host": "http://x"}, r"registry\.advertised_host"),
        ("zookeeper", {}, r"adapters\.registry"),
    ],
)
def test_a_registry_that_cannot_work_is_refused(read: Any, kind: str, registry: Mapping[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as refusal:
        read("", adapters={"registry": kind}, registry=registry)
    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('replicas = ["db2"]', r"\$\.mysql\.replicas\[0\]"),
        ('replicas = ["db2:70000"]', r"mysql\.replicas \(mysql://db2:70000\) has the port 70000"),
        ('replicas = ["user@db2:3306"]', r"\$\.mysql\.replicas\[0\]"),
        ('replicas = ["db2:3306", "db2:3306"]', r"db2:3306 is named twice among mysql\.host and mysql\.replicas"),
        ('host = "db1"\nreplicas = ["db1:3306"]', r"db1:3306 is named twice among mysql\.host and mysql\.replicas"),
        ("max_replica_lag_seconds = 1", r"\$\.mysql\.max_replica_lag_seconds"),
        ("own_write_wait_seconds = 3", r"\$\.mysql\.own_write_wait_seconds"),
    ],
)
def test_replicas_that_cannot_be_are_refused(read: Any, toml: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        read(f'[adapters]\ncache = "redis"\n[mysql]\n{toml}')


def test_replicas_need_a_cache_that_processes_share(read: Any) -> None:
    replicas = '[mysql]\nreplicas = ["db2:3306"]'
    with pytest.raises(Misconfigured, match=r"mysql\.replicas need adapters\.cache = redis, and it is memory"):
        read(f'[adapters]\npersistence = "mysql"\n{replicas}')

    assert read(f'[adapters]\npersistence = "mysql"\ncache = "redis"\n{replicas}').mysql.replicas == ("db2:3306",)
