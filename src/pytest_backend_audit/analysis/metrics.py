"""What a service's metrics page says of its requests: how many, how many failed, how long they took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Metric, openmetrics
from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as _openmetrics  # noqa: F401 - makes openmetrics.parser known
from prometheus_client.samples import Sample

# Of requests that the service answers: not of those that it sends, of the metrics page itself, or of the runtime.
_SERVED = re.compile(r"http|request|(?:^|_)(?:grpc_server|rpc_server|handler|endpoint|route)_")
_NOT_SERVED = re.compile(
    r"client|outbound|outgoing|upstream|downstream|promhttp|scrape|pool|(?:^|_)(?:db|redis|sql|gc)_"
)
_NO_TIME = re.compile(r"size|bytes|length|in_?flight|in_progress|active|concurrent|waiting")
_STATUS = re.compile(r"^(?:http_?)?(?:response_?)?(?:status(?:_?code)?|code|grpc_code)$")
_OUTCOME = re.compile(r"^(?:outcome|result|success|error|exception)$")
_ERROR_NAME = re.compile(r"error|exception|fail")


class NoMetricsError(ValueError):
    """A page is no metrics page, whatever status it came with."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What one instance's page says of the requests that it answered."""

    counts: tuple[Sample, ...]
    """How many, by their labels: of a counter, else of the number of observations of durations."""
    errors: tuple[Sample, ...]
    """Those of them that failed, and what counts failures by a name of its own."""
    durations: tuple[Sample, ...]
    """Numbers of observations of how long they took."""
    duration_names: tuple[str, ...]
    """Histograms and summaries of durations, whether they have observed anything yet or not."""

    @property
    def answered(self) -> float:
        """Requests."""
        return sum(sample.value for sample in self.counts)

    @property
    def failed(self) -> float:
        """Requests that failed."""
        return sum(sample.value for sample in self.errors)

    @property
    def timed(self) -> float:
        """Requests whose duration was observed; of several metrics the largest number."""
        totals = {
            name: sum(s.value for s in self.durations if s.name == name) for name in {s.name for s in self.durations}
        }
        return max(totals.values(), default=0.0)


def read_page(status: int, content_type: str, text: str) -> list[Metric]:
    """The metric families of a page in Prometheus' text format or OpenMetrics.

    Args:
        status: Of the answer.
        content_type: What the answer says it is.
        text: The page.

    Raises:
        NoMetricsError: It is something else, such as the HTML page of a service that answers every path.
    """
    if status != 200:
        raise NoMetricsError(f"answered {status}")
    opened = "application/openmetrics-text" in content_type
    parse = openmetrics.parser.text_string_to_metric_families if opened else classic.text_string_to_metric_families
    try:
        families = list(parse(text))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise NoMetricsError(f"answers {_kind(content_type)} that does not parse as metrics: {error}") from None
    if "html" in content_type or text.lstrip().startswith("<"):
        raise NoMetricsError(f"answers {_kind(content_type)}, not metrics")
    if not any(family.samples for family in families):
        raise NoMetricsError(f"answers {_kind(content_type)} without a single sample")
    return families


def requests(families: Iterable[Metric]) -> Requests:
    """What the families say of the requests that the service answers.

    Families are told by their names and types, as client libraries and OpenTelemetry make them.
    """
    served = [f for f in families if _SERVED.search(f.name) and not _NOT_SERVED.search(f.name)]
    durations = [f for f in served if f.type in {"histogram", "summary"} and not _NO_TIME.search(f.name)]
    timed = tuple(s for f in durations for s in f.samples if s.name.endswith("_count"))
    counters = [f for f in served if f.type == "counter" and not _NO_TIME.search(f.name)]
    plain = [f for f in counters if not _ERROR_NAME.search(f.name)]
    counts = _most_telling([_totals(f) for f in plain]) or _most_telling([_of(timed, f.name) for f in durations])
    own = [s for f in counters if _ERROR_NAME.search(f.name) for s in _totals(f)]
    return Requests(
        counts=counts,
        errors=tuple(s for s in counts if is_error(s.labels)) or tuple(own),
        durations=timed,
        duration_names=tuple(f.name for f in durations),
    )


def growth(before: Sequence[Requests], after: Sequence[Requests]) -> dict[str, float]:
    """How much the three signals rose between two readings of all instances' pages.

    Args:
        before: The first reading, an instance each.
        after: The second one, in the same order.
    """
    pairs = list(zip(before, after, strict=True))
    return {
        "rate": sum(new.answered - old.answered for old, new in pairs),
        "errors": sum(new.failed - old.failed for old, new in pairs),
        "duration": sum(new.timed - old.timed for old, new in pairs),
    }


def is_error(labels: dict[str, str]) -> bool:
    """Whether a series' labels say that its requests failed: a status from 400 up, or an outcome in words."""
    for name, value in labels.items():
        if _STATUS.match(name.lower()) and re.fullmatch(r"[45](?:\d\d|xx)", value.lower()):
            return True
        if _OUTCOME.match(name.lower()) and re.search(r"error|fail|exception", value.lower()):
            return True
    return False


def _totals(family: Metric) -> tuple[Sample, ...]:
    return tuple(s for s in family.samples if not s.name.endswith("_created"))


def _of(samples: Iterable[Sample], family: str) -> tuple[Sample, ...]:
    return tuple(s for s in samples if s.name == f"{family}_count")


def _most_telling(candidates: list[tuple[Sample, ...]]) -> tuple[Sample, ...]:
    """The samples that tell statuses apart, else those that count most; a page can have several counters."""

    def worth(samples: tuple[Sample, ...]) -> tuple[bool, float]:
        tells = any(_STATUS.match(n.lower()) or _OUTCOME.match(n.lower()) for s in samples for n in s.labels)
        return tells, sum(s.value for s in samples)

    return max(candidates, key=worth, default=())


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip() or "something without a content type"
