"""The numbers of a fleet as JSON, for scripts. Their shape is published as ``fleet.schema.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.reports import lines
from pytest_backend_audit.reports.lines import Leaf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_backend_audit.fleet.summary import Fleet, Service

SCHEMA_VERSION = 1


def chunks(fleet: Fleet, verdict: dict[str, Any] | None = None) -> Iterator[str]:
    """The numbers, in pieces.

    Args:
        fleet: All of them.
        verdict: What ``--min`` made of them, where it was given.
    """
    asked = fleet.asked
    return lines.text(
        {
            "schema_version": SCHEMA_VERSION,
            "as_of": asked.as_of.isoformat(),
            "filters": Leaf(
                {"owner": asked.owner, "services": list(asked.services), "environments": list(asked.environments)}
            ),
            "counts": Leaf(
                {
                    "services": fleet.names,
                    "latest": len(fleet.services),
                    "audits": fleet.audits,
                    "twice": fleet.twice,
                    "later": fleet.later,
                    "unread": len(fleet.unread),
                    "at_urls": fleet.at_urls,
                    "without_ledger": fleet.without_ledger,
                }
            ),
            "dispositions": _each(
                {"id": t.id or None, "name": t.name, "count": len(t.services)} for t in fleet.dispositions
            ),
            "dimensions": _each(
                {"id": d.id, "name": d.name, "mean": d.mean, "services_at_level": list(d.counts)}
                for d in fleet.dimensions
            ),
            "services": _each(map(_service, fleet.services)),
            "failing": _each(map(to_builtins, fleet.failing)),
            "lapsed": _each(
                {**_named(o.service), "due": o.due.isoformat(), "days": o.days, "action": o.text} for o in fleet.lapsed
            ),
            "overdue": Leaf({str(severity): count for severity, count in fleet.overdue.items()}),
            "quarters": _each(map(to_builtins, fleet.periods)),
            "fell": _each({**_named(s), "change": s.change} for s in fleet.fell),
            "rose": _each({**_named(s), "change": s.change} for s in fleet.rose),
            "at_odds": _each({"counted": counted, "other": other} for counted, other in fleet.at_odds),
            "unread": _each(map(to_builtins, fleet.unread)),
            **({"gate": verdict} if verdict is not None else {}),
        }
    )


def _each(values: Iterable[Any]) -> Iterator[Leaf]:
    return map(Leaf, values)


def _named(service: Service) -> dict[str, str]:
    return {"service": service.service, "environment_kind": service.kind, "environment": service.environment}


def _service(service: Service) -> dict[str, Any]:
    return {
        **_named(service),
        "date": service.audited.isoformat(),
        "age_days": service.age,
        "total": service.total,
        "maximum": service.maximum,
        "change": service.change,
        "before": service.before.isoformat() if service.before else None,
        "disposition": service.disposition or None,
        "disposition_name": service.disposition_name,
        "signed": service.signed,
        "levels": {id_: to_builtins(level) for id_, level in service.levels.items()},
        "overdue": service.overdue,
        "tracked": service.tracked,
        "place": service.place,
    }
