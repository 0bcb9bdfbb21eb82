"""Prometheus, where the machine has it: scrapes every instance once a second, and watches by the rules beside this."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pytest_backend_audit.demo.stack import ask
from pytest_backend_audit.demo.stack.process import Process, free_port, wait_for

RULES = Path(__file__).with_name("rules.yaml")
"""The rules that a good team has."""


def program() -> Path | None:
    """The program, or None where the machine lacks it."""
    found = shutil.which("prometheus")
    return Path(found) if found else None


@dataclass(slots=True)
class Prometheus:
    """A running server."""

    process: Process
    url: str
    instances: int
    rules_file: Path

    @classmethod
    def launch(
        cls, folder: Path, instances: Sequence[str], alertmanager: str | None = None, worker: str | None = None
    ) -> Prometheus:
        """Start it for these instances (``host:port``), and return at once: it begins to scrape after some 5 s.

        Args:
            folder: For its configuration, data and log.
            instances: Of the service.
            alertmanager: Where alerts are sent, if anywhere.
            worker: The service's worker, if there is one: a job of its own.
        """
        home = folder / "prometheus"
        home.mkdir(mode=0o700)
        configuration = home / "prometheus.yml"
        jobs = {"orders": list(instances), **({"orders-worker": [worker]} if worker else {})}
        scrapes = [{"job_name": job, "static_configs": [{"targets": targets}]} for job, targets in jobs.items()]
        intervals = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        rules = home / "rules.yml"
        rules.write_text(RULES.read_text("utf-8"))
        whole: dict[str, Any] = {"global": intervals, "scrape_configs": scrapes, "rule_files": [str(rules)]}
        if alertmanager:
            whole["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        configuration.write_text(json.dumps(whole))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        path = program()
        assert path is not None
        process = Process(
            "Prometheus",
            [
                path,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address={address}",
                # An alert that fires before Alertmanager was found would else be sent again after a minute only.
                "--rules.alert.resend-delay=2s",
                "--log.level=warn",
            ],
            folder / "prometheus.log",
            cwd=home,
        )
        return cls(process, f"http://{address}", len(instances), rules)

    def wait_until_scraping(self) -> None:
        """Wait until every instance has been scraped.

        Raises:
            StackError: It takes too long.
        """
        wait_for(lambda: self.up() == self.instances, "Prometheus to see every instance", process=self.process)

    def up(self) -> int:
        """Instances whose last scrape went well."""
        answer = ask.get(f"{self.url}/api/v1/query", params={"query": 'sum(up{job="orders"})'})
        result = answer.raise_for_status().json()["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def have_rules(self, changed: Mapping[str, str], more: Iterable[str] = ()) -> None:
        """Watch by other rules from now on, and wait until they have been evaluated.

        Args:
            changed: Alert -> the expression that it has instead; empty to take it away.
            more: Further rules, as YAML in one line.

        Raises:
            StackError: It does not take them over.
        """
        groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
        for group in groups:
            kept = [{**r, "expr": changed.get(r.get("alert", ""), r["expr"])} for r in group["rules"]]
            group["rules"] = [rule for rule in kept if rule["expr"]]
        added = [yaml.safe_load(text) for text in more]
        groups += [{"name": "added", "rules": added}] if added else []
        self.rules_file.write_text(yaml.safe_dump({"groups": [group for group in groups if group["rules"]]}))
        self.process.send(signal.SIGHUP)
        wanted = sorted((r.get("alert") or r["record"], _bare(r["expr"])) for g in groups for r in g["rules"])
        wait_for(lambda: self._evaluated() == wanted, "Prometheus to take its rules over", process=self.process)

    def _evaluated(self) -> list[tuple[str, str]]:
        answer = ask.get(f"{self.url}/api/v1/rules")
        rules: list[dict[str, Any]] = [
            r for g in answer.raise_for_status().json()["data"]["groups"] for r in g["rules"]
        ]
        return sorted((rule["name"], _bare(rule["query"])) for rule in rules if rule["health"] != "unknown")

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()


def _bare(expression: str) -> str:
    """An expression less its spaces: Prometheus writes them in its own way."""
    return "".join(expression.split())
