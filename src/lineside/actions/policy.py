"""Who may ask for an action and who may let it happen, as data. What no rule names is refused."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from lineside.actions.action import Risk
from lineside.actions.types import ACTIONS
from lineside.errors import BadSettings
from lineside.interpretation.pack_files import last_of, read_layers
from lineside.plant.packs import CORE, Packs
from lineside.plant.plant import Person, Plant
from lineside.plant.quantities import Quantity, number

FILE_NAME = "policy.toml"
ANY = "*"
_MONTH_IN_MINUTES = 31 * 24 * 60
_MOST_APPROVERS = 5
_RULE_KEYS = frozenset(
    {
        "name", "actions", "risks", "sites", "propose", "approve", "quorum", "over", "up_to", "within", "fresh_login",
        "escalate_minutes", "escalate_to", "expires_minutes", "verify_minutes",
    },
)  # fmt: skip
_DENIAL_KEYS = frozenset({"name", "actions", "risks", "sites", "roles"})
_WITHIN_KEYS = frozenset({"hours", "per", "times", "amount"})
_POLICY_KEYS = frozenset({"name", "version", "open_per_requester", "may_arm", "groups", "rules", "denials"})


class Per(StrEnum):
    """Whose actions a limit adds up."""

    REQUESTER = "requester"
    SUBJECT = "subject"
    SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much, or how often, over a time that ends now. times: so many; amount: no more than that in sum."""

    window: timedelta
    per: Per
    times: int | None = None
    amount: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which actions, at which risk and sites, a rule or a denial speaks of."""

    name: str
    actions: frozenset[str]
    risks: frozenset[Risk]
    sites: frozenset[str]

    def covers(self, case: Case) -> bool:
        return (
            (ANY in self.actions or case.action in self.actions)
            and case.risk in self.risks
            and (ANY in self.sites or case.site.casefold() in self.sites)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial(Scope):
    """What is refused whatever a rule grants; to these roles, or to everybody."""

    roles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Scope):
    """One grant. Roles are compared without regard to case, spaces and hyphens.

    over, up_to: between which single amounts it speaks; one that isn't known, or can't be compared, is over any.
    """

    propose: frozenset[str]
    approve: frozenset[str]
    quorum: int
    over: Quantity | None
    up_to: Quantity | None
    limit: Limit | None
    fresh_login: bool
    escalate_after: timedelta | None
    escalate_to: frozenset[str]
    expires_after: timedelta
    verify_within: timedelta

    def admits(self, case: Case) -> bool:
        """Whether the rule speaks of amounts like this one."""
        return (self.over is None or not _reaches(self.over, case)) and (
            self.up_to is None or _reaches(self.up_to, case)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked of the policy. Every part of it comes from our side, none from a model's text.

    vouched: whether every parameter comes from the asker's own words or a system's structured record.
    """

    action: str
    risk: Risk
    site: str
    amount: Quantity | None = None
    vouched: bool = True


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
    denials: tuple[Denial, ...] = ()
    arming: frozenset[str] = frozenset()

    def may_arm(self, person: Person, site: str) -> bool:
        """Whether the person is one of those of whom two can let a target be written to."""
        here = site.casefold() in (each.casefold() for each in person.sites)
        return here and holds(person, self.arming)

    def may_propose(self, person: Person, case: Case) -> Verdict:
        """Whether `person` may ask for this."""
        return self._granted(person, case, verb="propose")

    def may_approve(
        self, person: Person, case: Case, *, barred: Iterable[Person], waited: timedelta = timedelta()
    ) -> Verdict:
        """Whether `person` may decide on this. barred: who asked, and whose words filled in a parameter; waited: for
        how long nobody has decided."""
        for other in barred:
            if one_human(person, other):
                return Verdict(
                    allowed=False, reason=f"{person.id} asked for it, or wrote what fills it in; somebody else decides"
                )
        return self._granted(person, case, verb="approve", waited=waited)

    def expires_after(self, case: Case) -> timedelta:
        """The shortest time that any rule in force leaves an approver."""
        return min(rule.expires_after for rule in self.covering(case))

    def verify_within(self, case: Case) -> timedelta:
        return max((rule.verify_within for rule in self.covering(case)), default=timedelta(hours=2))

    def quorum(self, case: Case) -> int:
        """How many people must approve: the most that any rule asks, and one more where nobody vouches for what is
        filled in."""
        return max((rule.quorum for rule in self.covering(case)), default=_MOST_APPROVERS) + (not case.vouched)

    def fresh_login(self, case: Case) -> bool:
        """Whether whoever approves must have signed in just now."""
        return any(rule.fresh_login for rule in self.covering(case))

    def limits(self, case: Case) -> list[Limit]:
        return [rule.limit for rule in self.covering(case) if rule.limit is not None]

    def covering(self, case: Case) -> list[Rule]:
        return [rule for rule in self.rules if rule.covers(case) and rule.admits(case)]

    def escalated_to(self, case: Case, waited: timedelta) -> frozenset[str]:
        """The roles that may decide as well, once nobody has for so long."""
        rules = (r for r in self.covering(case) if r.escalate_after is not None and waited >= r.escalate_after)
        return frozenset(role for rule in rules for role in rule.escalate_to)

    def _granted(self, person: Person, case: Case, *, verb: str, waited: timedelta = timedelta()) -> Verdict:
        if case.site.casefold() not in (site.casefold() for site in person.sites):
            return Verdict(allowed=False, reason=f"{person.id} does not belong to {case.site}")
        for denial in self.denials:
            if denial.covers(case) and (ANY in denial.roles or holds(person, denial.roles)):
                return Verdict(allowed=False, reason=f"the policy {self.name!r} denies it: {denial.name}")
        late = self.escalated_to(case, waited) if verb == "approve" else frozenset()
        for rule in self.covering(case):
            granted = rule.propose if verb == "propose" else rule.approve | late
            for role in person.roles:
                if ANY in granted or _role(role) in granted:
                    return Verdict(allowed=True, reason=f"{role}: {rule.name}", role=role, rule=rule.name)
        roles = ", ".join(person.roles) or "no role"
        amount = "" if case.amount is None else f" of {case.amount}"
        return Verdict(
            allowed=False,
            reason=f"no rule of the policy {self.name!r} lets {person.id} ({roles}) {verb} {case.action}{amount} "
            f"at {case.risk} risk in {case.site}",
        )


def _reaches(most: Quantity, case: Case) -> bool:
    """Whether the amount is known to be no more than this."""
    there = None if case.amount is None else case.amount.to(most.unit)
    return there is not None and there.value <= most.value


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
    groups = _groups(data, reading)
    rules = data.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise reading.wrong("rules", "write each rule as [[rules]]")
    denials = data.get("denials", [])
    if not isinstance(denials, list) or not all(isinstance(each, dict) for each in denials):
        raise reading.wrong("denials", "write each denial as [[denials]]")
    reading = _Reading(where, groups=groups)
    arming = reading.roles(data, "may_arm") if "may_arm" in data else frozenset()
    if ANY in arming:
        raise reading.wrong("may_arm", "name the roles; arming is never everybody's right")
    return Policy(
        name=reading.text(data, "name"),
        version=reading.text(data, "version"),
        digest="",
        open_per_requester=reading.whole(data, "open_per_requester", at_most=1000),
        rules=tuple(_rule(rule, _Reading(where, f"rules[{place}].", groups)) for place, rule in enumerate(rules)),
        denials=tuple(
            _denial(each, _Reading(where, f"denials[{place}].", groups)) for place, each in enumerate(denials)
        ),
        arming=arming,
    )


def _groups(data: Mapping[str, Any], reading: _Reading) -> dict[str, frozenset[str]]:
    """Roles under one name, as @name stands for them."""
    groups = data.get("groups", {})
    if not isinstance(groups, dict):
        raise reading.wrong("groups", "write it as [groups], each a list of roles")
    inner = _Reading(reading.where, "groups.")
    return {name: frozenset(map(_role, inner.texts(groups, name))) for name in groups}


def _scope(data: Mapping[str, Any], reading: _Reading) -> dict[str, Any]:
    """What a rule and a denial have in common."""
    actions = reading.texts(data, "actions")
    if unknown := sorted(actions - {ANY} - set(ACTIONS)):
        raise reading.wrong("actions", f"there is no action {unknown[0]!r}; there are: {', '.join(sorted(ACTIONS))}")
    risks = reading.texts(data, "risks")
    if unknown := sorted(risks - set(Risk)):
        raise reading.wrong("risks", f"{unknown} are not risks; there are: {', '.join(Risk)}")
    return {
        "name": reading.text(data, "name"),
        "actions": frozenset(actions),
        "risks": frozenset(Risk(risk) for risk in risks),
        "sites": frozenset(site.casefold() for site in reading.texts(data, "sites")),
    }


def _denial(data: Mapping[str, Any], reading: _Reading) -> Denial:
    reading.refuse_unknown(data, _DENIAL_KEYS, "")
    return Denial(**_scope(data, reading), roles=reading.roles(data, "roles"))


def _rule(data: Mapping[str, Any], reading: _Reading) -> Rule:
    reading.refuse_unknown(data, _RULE_KEYS, "")
    approve = reading.roles(data, "approve")
    escalates = "escalate_to" in data or "escalate_minutes" in data
    later = reading.roles(data, "escalate_to") if escalates else frozenset()
    for key, roles in (("approve", approve), ("escalate_to", later)):
        if ANY in roles:
            raise reading.wrong(key, "name the roles; deciding is never everybody's right")
    escalate_after = reading.whole(data, "escalate_minutes", at_most=_MONTH_IN_MINUTES) if escalates else None
    return Rule(
        **_scope(data, reading),
        propose=reading.roles(data, "propose"),
        approve=approve,
        quorum=reading.whole(data, "quorum", at_most=_MOST_APPROVERS) if "quorum" in data else 1,
        over=reading.amount(data, "over") if "over" in data else None,
        up_to=reading.amount(data, "up_to") if "up_to" in data else None,
        limit=_limit(data["within"], reading) if "within" in data else None,
        fresh_login=reading.yes(data, "fresh_login") if "fresh_login" in data else False,
        escalate_after=None if escalate_after is None else timedelta(minutes=escalate_after),
        escalate_to=later,
        expires_after=timedelta(minutes=reading.whole(data, "expires_minutes", at_most=_MONTH_IN_MINUTES)),
        verify_within=timedelta(minutes=reading.whole(data, "verify_minutes", at_most=_MONTH_IN_MINUTES)),
    )


def _limit(data: object, reading: _Reading) -> Limit:
    if not isinstance(data, dict):
        raise reading.wrong("within", 'write it as { hours = 24, per = "requester", times = 10 }')
    inner = _Reading(reading.where, f"{reading.prefix}within.")
    inner.refuse_unknown(data, _WITHIN_KEYS, "")
    per = inner.text(data, "per")
    if per not in set(Per):
        raise inner.wrong("per", f"is one of {', '.join(Per)}")
    if not {"times", "amount"} & set(data):
        raise inner.wrong("times", "say how often (times), how much in sum (amount), or both")
    return Limit(
        window=timedelta(hours=inner.whole(data, "hours", at_most=_MONTH_IN_MINUTES // 60)),
        per=Per(per),
        times=inner.whole(data, "times", at_most=100_000) if "times" in data else None,
        amount=inner.amount(data, "amount") if "amount" in data else None,
    )


def holds(person: Person, roles: Collection[str]) -> bool:
    """Whether the person has one of the roles, as a policy keeps them."""
    return any(_role(role) in roles for role in person.roles)


def _role(text: str) -> str:
    return text.strip().casefold().replace("-", "_").replace(" ", "_")


@dataclass(frozen=True, slots=True)
class _Reading:
    """Typed reads out of one table of the file, each fault named by its key."""

    where: str
    prefix: str = ""
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def roles(self, data: Mapping[str, Any], key: str) -> frozenset[str]:
        """The roles in a list, those of each @group in it included."""
        found: set[str] = set()
        for each in self.texts(data, key):
            if not each.startswith("@"):
                found.add(_role(each))
            elif each[1:] in self.groups:
                found |= self.groups[each[1:]]
            else:
                there = ", ".join(f"@{name}" for name in sorted(self.groups)) or "none"
                raise self.wrong(key, f"there is no group {each!r}; there are: {there}")
        return frozenset(found)

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

    def yes(self, data: Mapping[str, Any], key: str) -> bool:
        value = data.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "say true or false")
        return value

    def amount(self, data: Mapping[str, Any], key: str) -> Quantity:
        head, _, tail = str(data.get(key) or "").strip().partition(" ")
        value = number(head)
        if value is None or value < 0 or not tail.strip():
            raise self.wrong(key, 'give it an amount with its unit, as in "500 ea"')
        return Quantity(value, tail)

    def whole(self, data: Mapping[str, Any], key: str, *, at_most: int) -> int:
        value = data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= at_most:
            raise self.wrong(key, f"give it a whole number from 1 to {at_most}")
        return value
