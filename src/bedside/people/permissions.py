"""The one permission table: which role may do which act.

Every door asks `People.require`, and that asks `allowed`; nothing else decides. Rules beyond the
table depend on the matter and not only on the role: nobody approves a version that they registered
(`registry.lifecycle`), nobody confirms an erasure that they requested or lifts a hold that they
placed (`ledger.erasure`), nobody administers and approves or has custody of records, nobody changes
their own roles, and an administrator who can sign in stays (`people.person`, `people.people`).
`docs/explanation/lifecycle.md` shows the table in words; a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person is here for. A person may have several."""

    DEVELOPER = "developer"
    APPROVER = "approver"
    CLINICIAN = "clinician"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    CUSTODIAN = "custodian"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """Something that a person may be allowed to do."""

    PACKAGE_ADD = "package-add"
    PACKAGE_VERIFY = "package-verify"
    APPROVE = "approve"
    RELEASE = "release"
    ROLLBACK = "rollback"
    RETIRE = "retire"
    MODELS_READ = "models-read"
    PREDICT = "predict"
    DECIDE = "decide"
    TRACE_READ = "trace-read"
    SUBJECT_READ = "subject-read"
    ERASE_REQUEST = "erase-request"
    ERASE_CONFIRM = "erase-confirm"
    HOLD_PLACE = "hold-place"
    HOLD_LIFT = "hold-lift"
    ERASURES_READ = "erasures-read"
    LEDGER_READ = "ledger-read"
    LEDGER_EXPORT = "ledger-export"
    PEOPLE_READ = "people-read"
    PEOPLE_MANAGE = "people-manage"
    KEYS_MANAGE = "keys-manage"
    METRICS_READ = "metrics-read"
    JOBS_MANAGE = "jobs-manage"


PERMISSIONS: Final[Mapping[Action, frozenset[Role]]] = MappingProxyType(
    {
        Action.PACKAGE_ADD: frozenset({Role.DEVELOPER}),
        Action.PACKAGE_VERIFY: frozenset({Role.DEVELOPER, Role.OPERATOR}),
        Action.APPROVE: frozenset({Role.APPROVER}),
        Action.RELEASE: frozenset({Role.OPERATOR}),
        Action.ROLLBACK: frozenset({Role.OPERATOR}),
        Action.RETIRE: frozenset({Role.OPERATOR}),
        Action.MODELS_READ: frozenset(Role),
        Action.PREDICT: frozenset({Role.CLINICIAN}),
        Action.DECIDE: frozenset({Role.CLINICIAN}),
        Action.TRACE_READ: frozenset({Role.CLINICIAN, Role.AUDITOR, Role.CUSTODIAN}),
        Action.SUBJECT_READ: frozenset({Role.CLINICIAN, Role.CUSTODIAN}),
        Action.ERASE_REQUEST: frozenset({Role.CLINICIAN, Role.CUSTODIAN}),
        Action.ERASE_CONFIRM: frozenset({Role.CUSTODIAN}),
        Action.HOLD_PLACE: frozenset({Role.CUSTODIAN}),
        Action.HOLD_LIFT: frozenset({Role.CUSTODIAN}),
        Action.ERASURES_READ: frozenset({Role.CUSTODIAN, Role.AUDITOR}),
        Action.LEDGER_READ: frozenset({Role.AUDITOR}),
        Action.LEDGER_EXPORT: frozenset({Role.AUDITOR}),
        Action.PEOPLE_READ: frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
        Action.PEOPLE_MANAGE: frozenset({Role.ADMINISTRATOR}),
        Action.KEYS_MANAGE: frozenset({Role.ADMINISTRATOR}),
        Action.METRICS_READ: frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR}),
        Action.JOBS_MANAGE: frozenset({Role.OPERATOR}),
    }
)
"""For each action, the roles of which any one is enough."""

ONLY_READS: Final = frozenset(
    {
        Action.MODELS_READ,
        Action.TRACE_READ,
        Action.ERASURES_READ,
        Action.LEDGER_READ,
        Action.LEDGER_EXPORT,
        Action.PEOPLE_READ,
        Action.METRICS_READ,
    }
)
"""Actions that change no model, no record of a patient and no person: all that an auditor has."""


def allowed(roles: Collection[Role], action: Action) -> bool:
    """Return whether any one of `roles` is enough for `action`."""
    return not PERMISSIONS[action].isdisjoint(roles)


def roles_for(action: Action) -> tuple[str, ...]:
    """Return the names of the roles that may do `action`, in alphabetical order."""
    return tuple(sorted(PERMISSIONS[action]))
