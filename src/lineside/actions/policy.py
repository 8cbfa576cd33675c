"""Who may ask for an action and who may let it happen, as data. What no rule names is refused."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from lineside.actions.action import ACTIONS, Risk
from lineside.errors import BadSettings
from lineside.interpretation.pack_files import last_of, read_layers
from lineside.plant.packs import CORE, Packs
from lineside.plant.plant import Person, Plant

FILE_NAME = "policy.toml"
ANY = "*"
_MONTH_IN_MINUTES = 31 * 24 * 60
_RULE_KEYS = frozenset(
    {"name", "action", "risks", "sites", "propose", "approve", "expires_minutes", "verify_minutes"},
)
_POLICY_KEYS = frozenset({"name", "version", "open_per_requester", "rules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One grant. Roles are compared without regard to case, spaces and hyphens."""

    name: str
    action: str
    risks: frozenset[Risk]
    sites: frozenset[str]
    propose: frozenset[str]
    approve: frozenset[str]
    expires_after: timedelta
    verify_within: timedelta

    def covers(self, case: Case) -> bool:
        return (
            self.action == case.action
            and case.risk in self.risks
            and (ANY in self.sites or case.site.casefold() in self.sites)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked of the policy. Every part of it comes from our side, none from a model's text."""

    action: str
    risk: Risk
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether, by which role and rule; or why not, in words for the person."""

    allowed: bool
    reason: str
    role: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules in force. digest: of the file's bytes; a proposal is bound to it."""

    name: str
    version: str
    digest: str
    open_per_requester: int
    rules: tuple[Rule, ...]

    def may_propose(self, person: Person, case: Case) -> Verdict:
        """Whether `person` may ask for this."""
        return self._granted(person, case, verb="propose")

    def may_approve(self, person: Person, case: Case, *, barred: Iterable[Person]) -> Verdict:
        """Whether `person` may decide on this. barred: who asked, and whose words filled in a parameter."""
        for other in barred:
            if one_human(person, other):
                return Verdict(
                    allowed=False, reason=f"{person.id} asked for it, or wrote what fills it in; somebody else decides"
                )
        return self._granted(person, case, verb="approve")

    def expires_after(self, case: Case) -> timedelta:
        """The shortest time that any rule in force leaves an approver."""
        return min(rule.expires_after for rule in self._covering(case))

    def verify_within(self, case: Case) -> timedelta:
        return max((rule.verify_within for rule in self._covering(case)), default=timedelta(hours=2))

    def _covering(self, case: Case) -> list[Rule]:
        return [rule for rule in self.rules if rule.covers(case)]

    def _granted(self, person: Person, case: Case, *, verb: str) -> Verdict:
        if case.site.casefold() not in (site.casefold() for site in person.sites):
            return Verdict(allowed=False, reason=f"{person.id} does not belong to {case.site}")
        for rule in self._covering(case):
            granted = rule.propose if verb == "propose" else rule.approve
            for role in person.roles:
                if ANY in granted or _role(role) in granted:
                    return Verdict(allowed=True, reason=f"{role}: {rule.name}", role=role, rule=rule.name)
        held = ", ".join(person.roles) or "no role"
        return Verdict(
            allowed=False,
            reason=f"no rule of the policy {self.name!r} lets {person.id} ({held}) {verb} {case.action} "
            f"at {case.risk} risk in {case.site}",
        )


def one_human(one: Person, other: Person) -> bool:
    """Whether two entries are the same human: one principal, whatever the door."""
    pairs = ((one.id, other.id), (one.slack, other.slack), (one.email, other.email))
    return any(a and b and a.strip().casefold() == b.strip().casefold() for a, b in pairs)


def principal(plant: Plant, person: Person) -> Person | None:
    """The person as the plant file has them now; roles and sites that a caller brought along count for nothing."""
    return next((known for known in plant.people if known.id == person.id), None)


def load_policy(home: Path | None = None, packs: Packs = CORE) -> Policy:
    """The policy of the installation at `home`: its own policy.toml, or the default with that of its packs over it.

    Raises BadSettings.
    """
    own = None if home is None else home / FILE_NAME
    if own is not None and own.is_file():
        return parse_policy(own.read_bytes(), where=str(own))
    default = (files("lineside") / "packs" / "default" / FILE_NAME).read_bytes()
    over = [layer.files[FILE_NAME] for layer in packs.layers if FILE_NAME in layer.files]
    if not over:
        return parse_policy(default, where="the default pack's policy.toml")
    digest = hashlib.sha256(b"\0".join((default, *(text.encode() for text in over)))).hexdigest()
    return replace(last_of(read_layers(FILE_NAME, read_policy, packs)), digest=digest)


def parse_policy(content: bytes, *, where: str) -> Policy:
    """The policy in the bytes of a policy.toml. Raises BadSettings with the key and what to do."""
    try:
        data = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{where} is not TOML: {error}", path=where) from error
    return replace(read_policy(where, data), digest=hashlib.sha256(content).hexdigest())


def read_policy(where: str, data: Mapping[str, Any]) -> Policy:
    """The policy in a policy.toml's data, which has no digest yet. Raises BadSettings with the key and what to do."""
    reading = _Reading(where)
    reading.refuse_unknown(data, _POLICY_KEYS, "")
    rules = data.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise reading.wrong("rules", "write each rule as [[rules]]")
    return Policy(
        name=reading.text(data, "name"),
        version=reading.text(data, "version"),
        digest="",
        open_per_requester=reading.whole(data, "open_per_requester", at_most=1000),
        rules=tuple(_rule(rule, _Reading(where, f"rules[{place}].")) for place, rule in enumerate(rules)),
    )


def _rule(data: Mapping[str, Any], reading: _Reading) -> Rule:
    reading.refuse_unknown(data, _RULE_KEYS, "")
    action = reading.text(data, "action")
    if action not in ACTIONS:
        raise reading.wrong("action", f"there is no action {action!r}; there are: {', '.join(sorted(ACTIONS))}")
    risks = reading.texts(data, "risks")
    if unknown := risks - set(Risk):
        raise reading.wrong("risks", f"{sorted(unknown)} are not risks; there are: {', '.join(Risk)}")
    propose, approve = reading.texts(data, "propose"), reading.texts(data, "approve")
    if ANY in approve:
        raise reading.wrong("approve", "name the roles; deciding is never everybody's right")
    return Rule(
        name=reading.text(data, "name"),
        action=action,
        risks=frozenset(Risk(risk) for risk in risks),
        sites=frozenset(site.casefold() for site in reading.texts(data, "sites")),
        propose=frozenset(map(_role, propose)),
        approve=frozenset(map(_role, approve)),
        expires_after=timedelta(minutes=reading.whole(data, "expires_minutes", at_most=_MONTH_IN_MINUTES)),
        verify_within=timedelta(minutes=reading.whole(data, "verify_minutes", at_most=_MONTH_IN_MINUTES)),
    )


def _role(text: str) -> str:
    return text.strip().casefold().replace("-", "_").replace(" ", "_")


@dataclass(frozen=True, slots=True)
class _Reading:
    """Typed reads out of one table of the file, each fault named by its key."""

    where: str
    prefix: str = ""

    def wrong(self, key: str, remedy: str) -> BadSettings:
        return BadSettings(f"{self.where}: {self.prefix}{key}: {remedy}", key=self.prefix + key, path=self.where)

    def refuse_unknown(self, data: Mapping[str, Any], known: Collection[str], key: str) -> None:
        for name in data:
            if name not in known:
                raise self.wrong(key + name, f"is not a key here; there are: {', '.join(sorted(known))}")

    def text(self, data: Mapping[str, Any], key: str) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "give it a text")
        return value

    def texts(self, data: Mapping[str, Any], key: str) -> frozenset[str]:
        value = data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v.strip() for v in value):
            raise self.wrong(key, "give it a list of texts, at least one")
        return frozenset(value)

    def whole(self, data: Mapping[str, Any], key: str, *, at_most: int) -> int:
        value = data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= at_most:
            raise self.wrong(key, f"give it a whole number from 1 to {at_most}")
        return value
