"""What is known of a service's earlier audits when one begins."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger import ledgers

from pytest_backend_audit import filed, past
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.ledger.events import encode
from pytest_backend_audit.model.filed import FiledCard, FiledDimension

CARD = FiledCard(
    service="billing",
    environment="prod",
    environment_kind="prod",
    commit="1a" * 20,
    instant="2026-11-24T08:00:00.000Z",
    lead_auditor="Ada",
    second_reviewer="",
    standard="default",
    basis="the standard",
    plugin_version="0.1.0",
    dimensions=(FiledDimension("4.1", "Query Performance", 3, 4, 5, "1"),),
    checks=(),
    findings=(),
    total=4,
    maximum=5,
    minimum=3,
    disposition="conditional-production",
    disposition_name="Conditional production",
)


def known(tmp_path: Path, service: str) -> past.Past:
    """With a filed card of billing that is asked for."""
    (tmp_path / "card.json").write_text(filed.text(CARD), "utf-8")
    return past.known(
        tmp_path / "audit-report",
        "",
        asked=str(tmp_path / "card.json"),
        subject=past.Subject(tmp_path, service, "prod", named=frozenset({"prod"})),
        formal=True,
    )


def test_an_audit_of_another_service_is_no_prior_one(tmp_path: Path) -> None:
    """Held against somebody else's levels, no fall would show."""
    message = (
        f"^--audit-prior={tmp_path}/card.json: an audit of 'billing', and this is one of 'orders'; name one of the"
    )
    with pytest.raises(AuditUsageError, match=message):
        known(tmp_path, "orders")


@pytest.mark.parametrize("service", ["billing", ""])
def test_a_prior_audit_of_the_service(tmp_path: Path, service: str) -> None:
    """Or one that an audit without a name for its service is compared with."""
    assert known(tmp_path, service).prior.levels == {"4.1": 4}


def filings(tmp_path: Path, *names: str) -> Path:
    """A ledger of billing with a card of each environment, all of the kind prod, in their order."""
    folder = tmp_path / "audits" / "billing"
    folder.mkdir(parents=True)
    for number, name in enumerate(names, 1):
        text = filed.text(replace(CARD, environment=name, instant=f"2026-11-0{number}T08:00:00.000Z"))
        (folder / f"2026-11-0{number}.json").write_text(text, "utf-8")
        line = ledgers.filed(
            file=f"2026-11-0{number}",
            service="billing",
            environment=name,
            instant=f"2026-11-0{number}T08:00:00.000Z",
            heads=(f"{number:02}" * 32,),
            card=filed.digest(text.encode()),
        )
        with (folder / "ledger.jsonl").open("a", encoding="utf-8") as ledger:
            ledger.write(encode(line) + "\n")
    return folder


def of(
    tmp_path: Path, environment: str, *named: str, formerly: str = "", kind: str = "prod", formal: bool = True
) -> past.Past:
    """What an audit of an environment knows, where audit.yaml names these besides."""
    subject = past.Subject(tmp_path, "billing", environment, kind, formerly, frozenset({environment, *named}))
    return past.known(tmp_path / "audit-report", "", asked=None, subject=subject, formal=formal)


def test_an_environment_that_had_another_name(tmp_path: Path) -> None:
    """It is compared with the latest audit by that name, as audit.yaml says so."""
    filings(tmp_path, "prod-eu", "prod-eu", "prod-us")
    found = of(tmp_path, "europe", "prod-us", formerly="prod-eu")
    assert (found.reference, found.missing, found.notices) == ("audits/billing/2026-11-02.md", "", ())
    assert of(tmp_path, "prod-us", "europe").reference == "audits/billing/2026-11-03.md"


@pytest.mark.parametrize("formerly", ["", "production"])
def test_an_environment_without_an_audit(tmp_path: Path, formerly: str) -> None:
    """That there are others is told, and how to say that it is one of them."""
    filings(tmp_path, "prod-eu", "prod-us")
    found = of(tmp_path, "new", "prod-eu", "prod-us", formerly=formerly)
    assert found.reference == ""
    if formerly:
        assert found.notices == (
            "audit.yaml: environments: new: formerly: audits/billing has no audit of production; it has audits of "
            "prod-eu, prod-us",
        )
        assert found.missing == (
            "audits/billing has audits of prod-eu, prod-us, none of new, nor of production, which audit.yaml states as "
            "its name before (environments: formerly)"
        )
    else:
        assert found.notices == ()
        assert found.missing == (
            "audits/billing has audits of prod-eu, prod-us, none of new: if that had another name, state it in "
            "audit.yaml (environments: new: formerly), or name an audit to compare with (--audit-prior of pytest)"
        )


def test_each_environment_that_was_audited_is_named_once(tmp_path: Path) -> None:
    """Also where a merge of several was filed beside audits of one of them."""
    filings(tmp_path, "prod", "prod, stage", "stage", "")
    assert of(tmp_path, "staging", kind="stage").missing.startswith(
        "audits/billing has audits of prod, stage, not stated, none of staging: "
    )


def test_an_environment_of_another_kind_than_all_others(tmp_path: Path) -> None:
    """Had no other name, so it is not told to state one."""
    filings(tmp_path, "prod-eu")
    assert of(tmp_path, "stage", kind="stage").missing == (
        "audits/billing has audits of prod-eu, none of stage: file this one first without asking whether it is worse, "
        "or name one to compare with (--audit-prior of pytest)"
    )


def test_cards_without_their_ledger(tmp_path: Path) -> None:
    """The numbers of their findings would be given anew."""
    folder = filings(tmp_path, "prod-eu", "prod-us")
    (folder / "ledger.jsonl").unlink()
    message = (
        "audits/billing: 2026-11-01.json and 1 more are there, and no ledger.jsonl, which has the numbers of their "
        "findings; restore it from git, or take away what a filing that was cut short has left"
    )
    with pytest.raises(AuditUsageError, match=f"^{re.escape(message)}$"):
        of(tmp_path, "prod-eu")
    assert of(tmp_path, "prod-eu", formal=False).notices == (f"compared with no prior audit: {message}",)


def test_a_name_that_another_environment_has_taken_over(tmp_path: Path) -> None:
    """What was found there would be both's."""
    folder = filings(tmp_path, "prod-eu")
    line = ledgers.filed(
        file="2026-11-09",
        service="billing",
        environment="europe",
        instant="2026-11-09T08:00:00.000Z",
        heads=("99" * 32,),
        formerly={"europe": "prod-eu"},
    )
    with (folder / "ledger.jsonl").open("a", encoding="utf-8") as ledger:
        ledger.write(encode(line) + "\n")
    message = (
        "^audit.yaml: environments: america and europe are one by audits/billing/ledger.jsonl, as one of them had the "
        "other's name before; give one of them a name of its own$"
    )
    with pytest.raises(AuditUsageError, match=message):
        of(tmp_path, "america", "europe", formerly="prod-eu")
    with pytest.raises(AuditUsageError, match=r"^audit\.yaml: environments: prod-eu and europe are one by "):
        of(tmp_path, "prod-eu", "europe")
    with pytest.raises(AuditUsageError, match=r"/2026-11-09\.json is not there, and the ledger says that it was filed"):
        of(tmp_path, "europe")


def test_an_environment_of_another_kind_before(tmp_path: Path) -> None:
    """A laptop does not become production by a word."""
    filings(tmp_path, "prod-eu")
    subject = past.Subject(tmp_path, "billing", "laptop", "local", "prod-eu", frozenset({"laptop"}))
    message = (
        "^audit.yaml: environments: laptop: formerly: prod-eu was prod in audits/billing/2026-11-01, and this is "
        "local; leave it out, and the first audit compares with none$"
    )
    with pytest.raises(AuditUsageError, match=message):
        past.known(tmp_path / "audit-report", "", asked=None, subject=subject, formal=True)


def test_another_service_s_ledger_ends_nothing(tmp_path: Path) -> None:
    """Nobody has to mend it for the first audit of this one."""
    folder = filings(tmp_path, "prod")
    subject = past.Subject(tmp_path, "bills", "prod", config="audit.yaml")
    line = ledgers.filed(9, "2026-11-09", service="billing", config="audit.yaml", heads=("99" * 32,))
    with (folder / "ledger.jsonl").open("a", encoding="utf-8") as ledger:
        ledger.write(encode(line) + "\n")
    asked = {"asked": None, "subject": subject, "formal": True}
    assert past.known(tmp_path / "audit-report", "", **asked).missing == (  # type: ignore[arg-type]
        "audit.yaml has filed audits of the service 'billing', and none of bills: give it its name back, or file this "
        "audit first without asking whether it is worse"
    )
    (folder / "ledger.jsonl").write_text("<<<<<<< HEAD\n")
    assert past.known(tmp_path / "audit-report", "", **asked).missing == ""  # type: ignore[arg-type]


def test_a_filing_of_this_commit_whose_card_is_another_s(tmp_path: Path) -> None:
    """It may have found something: a formal audit ends, a rehearsal tells of it."""
    folder = tmp_path / "audits" / "billing"
    folder.mkdir(parents=True)
    text = filed.text(replace(CARD, environment="stage", sources=("02" * 32,)))
    (folder / "2026-11-24.json").write_text(text, "utf-8")
    lines = [
        ledgers.filed(file="2026-11-24", service="billing", environment=place, commit=commit, heads=(f"{n:02}" * 32,))
        for n, (place, commit) in enumerate((("prod", "0f" * 20), ("stage", CARD.commit)), 1)
    ]
    (folder / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    subject = past.Subject(tmp_path, "billing", "stage", named=frozenset({"stage", "prod"}))
    found = past.known(tmp_path / "report", CARD.commit, asked=None, subject=subject, formal=True)
    assert (found.reference, len(found.earlier.lines)) == ("audits/billing/2026-11-24.md", 1)
    lost = (
        "audits/billing/2026-11-24.json: the ledger tells of the audit in prod at 0f0f0f0 (2026-08-31T10:00Z), and it "
        "is not there: 2026-11-24.json is the card of the audit in stage at 1a1a1a1 (2026-08-31T10:00Z); restore it "
        "from git under a free name, such as 2026-11-24-2.json, or file its run again"
    )
    with pytest.raises(AuditUsageError) as error:
        past.known(tmp_path / "report", "0f" * 20, asked=None, subject=subject, formal=True)
    assert str(error.value) == lost
    assert past.known(tmp_path / "report", "0f" * 20, asked=None, subject=subject, formal=False).notices[-1] == lost


def test_a_filed_card_that_was_changed(tmp_path: Path) -> None:
    """No audit is compared with it, whether the ledger or its user names it."""
    card = filings(tmp_path, "prod-eu") / "2026-11-01.json"
    card.write_text(card.read_text("utf-8").replace('"would_be": 4', '"would_be": 1'), "utf-8")
    message = "2026-11-01.json: changed since it was filed, by the ledger beside it; restore it from git$"
    with pytest.raises(AuditUsageError, match=message):
        of(tmp_path, "prod-eu")
    subject = past.Subject(tmp_path, "billing", "prod-us", named=frozenset({"prod-us", "prod-eu"}))
    with pytest.raises(AuditUsageError, match=message):
        past.known(tmp_path, "", asked=str(card.with_suffix(".md")), subject=subject, formal=False)


def asked(tmp_path: Path, card: Path, *, formal: bool = True) -> past.Past:
    """What an audit of prod-us knows that is to be compared with a card."""
    subject = past.Subject(tmp_path, "billing", "prod-us", named=frozenset({"prod-us", "prod-eu"}))
    return past.known(tmp_path / "report", "", asked=str(card), subject=subject, formal=formal)


def whole(folder: Path) -> str:
    """The first card of the ledger, with the journal that its filing tells."""
    text = filed.text(replace(CARD, environment="prod-eu", sources=("01" * 32,)))
    (folder / "2026-11-01.json").write_text(text, "utf-8")
    ledger = folder / "ledger.jsonl"
    first, *rest = ledger.read_text("utf-8").splitlines()
    first = re.sub('"card":"[0-9a-f]*"', f'"card":"{filed.digest(text.encode())}"', first)
    ledger.write_text("".join(f"{line}\n" for line in (first, *rest)), "utf-8")
    return text


@pytest.mark.parametrize("name", ["copy.json", "copy.txt", "copy.JSON", "copy"])
def test_a_copy_of_a_card_by_any_name(name: str, tmp_path: Path) -> None:
    """It is what was filed, or not believed."""
    text = whole(filings(tmp_path, "prod-eu"))
    (tmp_path / name).write_text(text, "utf-8")
    assert asked(tmp_path, tmp_path / name).prior.levels == {"4.1": 4}
    (tmp_path / name).write_text(text.replace('"would_be": 4', '"would_be": 1'), "utf-8")
    message = f"/{name}: changed since it was filed, by the ledger beside it; restore it from git$"
    for formal in (True, False):
        with pytest.raises(AuditUsageError, match=message):
            asked(tmp_path, tmp_path / name, formal=formal)
    (tmp_path / name).write_text(text.replace("01" * 32, "ee" * 32), "utf-8")
    with pytest.raises(AuditUsageError, match=f"^--audit-prior={tmp_path}/{name}: the ledger tells of no such audit; "):
        asked(tmp_path, tmp_path / name)


def test_what_lies_beside_a_copy(tmp_path: Path) -> None:
    """Checks are given it, so that it is what was filed, all of it or nothing."""
    folder = filings(tmp_path, "prod-eu")
    text = whole(folder)
    values = '{"check":"a::test_a","name":"p99","value":10}\n'
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy, beside = elsewhere / "card.json", elsewhere / "card.kept.jsonl"
    copy.write_text(text, "utf-8")
    beside.write_text(values)
    changed = f"^{beside}: changed since it was filed, by the ledger beside it; restore it from git$"
    with pytest.raises(AuditUsageError, match=changed):
        asked(tmp_path, copy)  # its checks kept nothing
    ledger = folder / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"kept":""', f'"kept":"{filed.digest(values.encode())}"'))
    assert asked(tmp_path, copy).prior.levels == {"4.1": 4}
    beside.write_text(values.replace("10", "99999"))
    link = elsewhere / "link.json"
    link.symlink_to(folder / "2026-11-01.json")
    beside.with_name("link.kept.jsonl").write_text(beside.read_text())
    for name in (copy, link):
        with pytest.raises(AuditUsageError, match=r"\.kept\.jsonl: changed since it was filed, by the ledger"):
            asked(tmp_path, name, formal=False)
    beside.unlink()
    gone = f"^{beside} is not there, and the checks of this audit kept values for the next one; copy it, too, or "
    with pytest.raises(AuditUsageError, match=gone):
        asked(tmp_path, copy)


def test_a_copy_of_either_card_of_a_run(tmp_path: Path) -> None:
    """It was filed unsigned, and again once it was signed, so that the ledger has two names for its journals."""
    folder = filings(tmp_path, "prod-eu", "prod-eu")
    unsigned = replace(CARD, environment="prod-eu", sources=("01" * 32,))
    texts = [filed.text(unsigned), filed.text(replace(unsigned, second_reviewer="Grace", total=5))]
    lines = [
        ledgers.filed(file=name, service="billing", heads=("01" * 32,), card=filed.digest(text.encode()))
        for name, text in zip(("2026-11-01", "2026-11-02"), texts, strict=True)
    ]
    (folder / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    for text in texts:
        (tmp_path / "copy.json").write_text(text, "utf-8")
        assert asked(tmp_path, tmp_path / "copy.json").prior.levels == {"4.1": 4}
    (tmp_path / "copy.json").write_text(texts[0].replace('"would_be": 4', '"would_be": 1'), "utf-8")
    with pytest.raises(AuditUsageError, match=r"copy\.json: changed since it was filed"):
        asked(tmp_path, tmp_path / "copy.json")
