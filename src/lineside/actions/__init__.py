"""Governed actions. The file list is the life cycle: action, policy, propose, approve, execute, verify, remember.

A proposal is a page of canonical bytes; an approval binds their digest; the executor sends nothing else. Every state
moves by one conditional UPDATE with its audit entry in the same transaction. As installed nothing is armed: without a
target's url and token in the settings an approved proposal is sent nowhere, and waits until it expires. What writes to
a target, and its credential, are in the executor's process alone; the ledger of any other can send nothing.
"""

from lineside.actions.action import ActionType, Change, Refusal, Risk
from lineside.actions.audit import KEY_FILE, AuditReport, Head, signing_key
from lineside.actions.delegate import Delegation
from lineside.actions.execute import Step
from lineside.actions.ledger import Chapter, Ledger
from lineside.actions.policy import Policy, load_policy, parse_policy
from lineside.actions.proposal import Origin, Proposal, State
from lineside.actions.propose import QUESTION
from lineside.actions.switch import Switch
from lineside.actions.types import ACTIONS

__all__ = [
    "ACTIONS",
    "KEY_FILE",
    "QUESTION",
    "ActionType",
    "AuditReport",
    "Change",
    "Chapter",
    "Delegation",
    "Head",
    "Ledger",
    "Origin",
    "Policy",
    "Proposal",
    "Refusal",
    "Risk",
    "State",
    "Step",
    "Switch",
    "load_policy",
    "parse_policy",
    "signing_key",
]
