"""Prometheus, where the machine has it: scrapes every instance once a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from pytest_backend_audit.demo.stack.process import Process, free_port, wait_for


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

    @classmethod
    def launch(cls, folder: Path, instances: Sequence[str]) -> Prometheus:
        """Start it for these instances (``host:port``), and return at once: it looks for targets every 5 s only."""
        home = folder / "prometheus"
        home.mkdir(mode=0o700)
        configuration = home / "prometheus.yml"
        scrape = {"job_name": "orders", "static_configs": [{"targets": list(instances)}]}
        intervals = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        configuration.write_text(json.dumps({"global": intervals, "scrape_configs": [scrape]}))  # JSON is YAML
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
                "--log.level=warn",
            ],
            folder / "prometheus.log",
            cwd=home,
        )
        return cls(process, f"http://{address}", len(instances))

    def wait_until_scraping(self) -> None:
        """Wait until every instance has been scraped.

        Raises:
            StackError: It takes too long.
        """
        wait_for(lambda: self.up() == self.instances, "Prometheus to see every instance", process=self.process)

    def up(self) -> int:
        """Instances whose last scrape went well."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": "sum(up)"}, timeout=2, trust_env=False)
        result = answer.raise_for_status().json()["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()
