"""Alertmanager, where the machine has it: takes Prometheus's alerts, and pages whoever the stack says."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.demo.stack import ask
from pytest_backend_audit.demo.stack.process import Process, free_port, wait_for


def program() -> Path | None:
    """The program, or None where the machine lacks it. Debian gives it a longer name."""
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    return Path(found) if found else None


@dataclass(slots=True)
class Alertmanager:
    """A running server."""

    process: Process
    address: str
    """``host:port``."""

    @classmethod
    def start(cls, folder: Path, pager: str) -> Alertmanager:
        """Start it alone, not in a cluster, and wait until it is ready.

        Args:
            folder: For its log and data.
            pager: URL that gets the pages.

        Raises:
            StackError: It does not start.
        """
        home = folder / "alertmanager"
        home.mkdir(mode=0o700)
        route = {"receiver": "orders-team", "group_by": ["alertname"], "group_wait": "1s", "repeat_interval": "4h"}
        receivers = [{"name": "orders-team", "webhook_configs": [{"url": pager}]}]
        configuration = home / "alertmanager.yml"
        configuration.write_text(json.dumps({"route": route, "receivers": receivers}))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        path = program()
        assert path is not None
        process = Process(
            "Alertmanager",
            [
                path,
                f"--config.file={configuration}",
                f"--storage.path={home / 'data'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            folder / "alertmanager.log",
            cwd=home,
        )
        made = cls(process, address)
        try:
            wait_for(made.ready, "Alertmanager to be ready", process=process)
        except BaseException:
            process.stop()
            raise
        return made

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.address}"

    def ready(self) -> bool:
        """Whether it says so."""
        return ask.get(f"{self.url}/-/ready").is_success

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()
