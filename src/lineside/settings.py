"""How one installation is configured: `lineside.toml` in its home, with LINESIDE_ variables over it.

A nested key is spelled with two underscores in a variable: LINESIDE_MODEL__BASE_URL. Unknown keys are errors.
A secret may be named instead of written: { env = "NAME" } or { file = "path" }.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lineside.errors import BadSettings

# Up to the last @: a password may hold one, and showing too little of a URL leaks nothing.
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)\S*@")
PREFIX = "LINESIDE_"
_TARGETS = PREFIX + "TARGETS__"
_WITHHELD = "withheld"
HOME_VARIABLE = "LINESIDE_HOME"  # where all this lives; read by the command line, not a setting


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelSettings(_Section):
    """The language model; without `base_url` the embedded answerer works alone."""

    base_url: str = Field("", description="an OpenAI-compatible endpoint, as in http://127.0.0.1:8001/v1")
    name: str = Field("", description="the model's name at that endpoint")
    api_key: SecretStr = Field(SecretStr("none"), description="its key, where it wants one")
    timeout_s: float = Field(60.0, gt=0, description="longest wait for one reply")
    max_turns: int = Field(8, ge=1, le=50, description="most model calls for one question")
    max_tokens: int = Field(2000, ge=100, description="most tokens the model may write in one reply")


class EmbeddingSettings(_Section):
    """The embedding model of the vector index."""

    folder: Path | None = Field(
        None, description="a folder with model.onnx and tokenizer.json instead of the shipped one"
    )


class SourceSettings(_Section):
    """One source and the connector that reads it."""

    name: str = Field(description="the source's name, as records carry it")
    connector: str = Field(description="which connector reads it; `lineside sources list` names them")
    poll_s: float = Field(60.0, gt=0, description="pause between two reads of a polled source")
    reconcile_s: float = Field(
        86_400.0, ge=0, description="pause between two comparisons with what the source lists; 0: never"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the connector's own settings, see its README")


class TargetSettings(_Section):
    """A system that approved actions may write to, once two people have armed it."""

    interface: str = Field(
        "quality-holds", description="how it is written to: a shipped interface, or interfaces/NAME.toml in the home"
    )
    url: str = Field(description="the base of its write interface")
    token: SecretStr = Field(description="a credential that only the executor reads and holds")
    read_url: str = Field("", description="the base of its read interface, where it differs")
    source: str = Field("", description="the source through which its effects come back; its own name if empty")
    options: dict[str, str] = Field(default_factory=dict, description="what its interface's file asks for")
    timeout_s: float = Field(10.0, gt=0, description="longest wait for its answer")


class SlackSettings(_Section):
    """The Slack app; without `bot_token` there is none."""

    mode: Literal["http", "socket"] = Field(
        "socket", description="socket: Lineside connects to Slack; http: Slack calls the web server"
    )
    bot_token: SecretStr = Field(SecretStr(""), description="the app's bot token, xoxb-...; empty: Slack is off")
    app_token: SecretStr = Field(SecretStr(""), description="the app-level token, xapp-..., that mode socket needs")
    signing_secret: SecretStr = Field(SecretStr(""), description="the app's signing secret that mode http needs")
    team: str = Field("", description="id of the one workspace that is served; by default the bot token's own")
    channel: str = Field("", description="id of the channel that handovers are posted to, as in C0123456789")
    language: Literal["auto", "en", "de"] = Field(
        "auto", description="what the app speaks; auto: what each person has set in Slack"
    )
    url: str = Field("", description="where people reach the pages, as in https://lineside.example; links lead there")
    api_url: str = Field("https://slack.com/api/", description="the base of Slack's Web API")


class AuditSettings(_Section):
    """Where the audit ledger's signed heads are carried, off this machine."""

    export: str = Field("", description="a folder elsewhere, or an http address that takes each head by POST")
    token: SecretStr = Field(SecretStr(""), description="sent to that address with each head")


class Settings(BaseSettings):
    """Everything that can be set; `lineside config show` prints each value with its origin."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid")

    database: str = Field("", description="a SQLAlchemy URL; empty means lineside.db in the home")
    host: str = Field("127.0.0.1", description="address that the web server listens on")
    port: int = Field(8765, ge=0, le=65535, description="port that the web server listens on; 0 takes a free one")
    sign_in: Literal["token", "chooser"] = Field(
        "token",
        description="token: people sign in with a token; chooser: pick a person, for demonstrations on loopback",
    )
    trust_loopback: bool = Field(
        True, description="callers on this machine read as the plant's operator without signing in; they can't decide"
    )
    clock_offset_s: float = Field(0.0, description="seconds that the plant's clock runs ahead of this machine's")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="least severe line logged")
    model: ModelSettings = Field(default_factory=ModelSettings, description="the language model")
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings, description="the embedding model")
    slack: SlackSettings = Field(default_factory=SlackSettings, description="the Slack app")
    sources: list[SourceSettings] = Field(default_factory=list, description="what is read, one entry a source")
    audit: AuditSettings = Field(default_factory=AuditSettings, description="where the audit's heads are kept")
    executor: Literal["child", "apart"] = Field(
        "child",
        description="child: `lineside serve` starts it; apart: you run `lineside executor`, as under a user of its own",
    )
    targets: dict[str, TargetSettings] = Field(default_factory=dict, description="what approved actions may write to")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes over the file, which arrives as init values."""
        del settings_cls, dotenv_settings, file_secret_settings
        return (env_settings, init_settings)


def load_settings(home: Path, draft: str | None = None, *, credentials: bool = False) -> Settings:
    """The settings of the installation at `home`. Raises BadSettings naming the key and what to do.

    draft: the text of a lineside.toml to take instead of the one that is there. credentials: those of targets too,
    which the executor alone asks for; else they are not even looked up, and another word stands in their place.
    """
    written = _written(home, draft)
    _refuse_unknown_variables()
    if not credentials:
        written = _withholding(written)
    try:
        found = Settings(**_resolved(written, home))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        wrong = "is not a setting" if first["type"] == "extra_forbidden" else first["msg"]
        where = home / "lineside.toml" if draft is None else "the draft"
        raise BadSettings(f"{where} or {PREFIX}{_variable(key)}: {key} {wrong}", key=key) from error
    if not credentials:  # one may have come from a variable
        for target in found.targets.values():
            target.token = SecretStr(_WITHHELD)
    return found


def credential_variables(home: Path) -> frozenset[str]:
    """The names of the environment variables that hold credentials of targets."""
    named = [target.get("token") for target in _tables(_written(home).get("targets"))]
    ours = {name for name in os.environ if name.upper().startswith(_TARGETS) and name.upper().endswith("__TOKEN")}
    return frozenset(ours | {token["env"] for token in named if isinstance(token, dict) and "env" in token})


def database_url(settings: Settings, home: Path) -> str:
    """The database's SQLAlchemy URL."""
    return settings.database or f"sqlite:///{home / 'lineside.db'}"


def written_options(home: Path, source: str, draft: str | None = None) -> Mapping[str, Any]:
    """The source's options as lineside.toml, or the draft of one, writes them, its references to variables and files
    unresolved; none where it does not name the source."""
    for each in _written(home, draft).get("sources", []):
        if each.get("name") == source:
            options: Mapping[str, Any] = each.get("options", {})
            return options
    return {}


def described(settings: Settings, home: Path) -> Iterator[tuple[str, str, str]]:
    """(key, value, origin) of each setting, secrets shown as stars. origin: default, lineside.toml, or the variable."""
    written = dict(_leaves(_written(home)))
    for key, value in _leaves(settings.model_dump(mode="json")):
        variable = PREFIX + _variable(key)
        if variable in os.environ:
            origin = variable
        else:
            origin = "lineside.toml" if any(k == key or k.startswith(key + ".") for k in written) else "default"
        yield key, _shown(key, value), origin


def _written(home: Path, draft: str | None = None) -> dict[str, Any]:
    path = home / "lineside.toml"
    if draft is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8") if draft is None else draft)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = path if draft is None else "the draft"
        raise BadSettings(f"{where} is not TOML: {error}", path=str(path)) from error


def _withholding(written: Mapping[str, Any]) -> dict[str, Any]:
    """What is written, without any credential of a target."""
    targets = written.get("targets")
    if not isinstance(targets, dict):
        return dict(written)
    blind = {n: {**said, "token": _WITHHELD} if isinstance(said, dict) else said for n, said in targets.items()}
    return {**written, "targets": blind}


def _tables(value: Any) -> list[dict[str, Any]]:  # TOML values are any JSON-like shape
    return [each for each in value.values() if isinstance(each, dict)] if isinstance(value, dict) else []


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        if not name.startswith(PREFIX) or name == HOME_VARIABLE:
            continue
        first = name.removeprefix(PREFIX).lower().partition("__")[0]
        if first not in Settings.model_fields:
            raise BadSettings(f"{name} is not a setting; there are: {', '.join(Settings.model_fields)}", key=name)


def _resolved(value: Any, home: Path) -> Any:  # TOML values are any JSON-like shape
    """`value` with every { env = } and { file = } replaced by what it names."""
    if isinstance(value, list):
        return [_resolved(item, home) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"env": str(name), **rest} if not rest:
            if name not in os.environ:
                raise BadSettings(f"lineside.toml names the variable {name}, which is not set; export it", key=name)
            return os.environ[name]
        case {"file": str(name), **rest} if not rest:
            path = home / name
            if not path.is_file():
                raise BadSettings(f"lineside.toml names the file {path}, which is not there", path=str(path))
            return path.read_text(encoding="utf-8").strip()
    return {key: _resolved(item, home) for key, item in value.items()}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:  # JSON-like
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{key}.{item.get('name', place)}")
    else:
        yield key, value


def _variable(key: str) -> str:
    return key.upper().replace(".", "__")


def _shown(key: str, value: Any) -> str:  # JSON-like
    secret = any(word in key.rpartition(".")[2].lower() for word in ("token", "key", "password", "secret"))
    if secret and value:
        return "********"
    return "" if value is None else _URL_PASSWORD.sub(r"\1********@", str(value))
