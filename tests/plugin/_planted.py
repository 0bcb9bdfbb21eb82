"""A suite of checks that let each its own secret slip, by a channel of pytest's or of ours. Not collected itself."""

from __future__ import annotations

from plugin._leaks import secret

CHANNELS = (
    *("print", "stderr", "log", "fd", "warning", "exception", "notes", "cause", "group"),
    *("assertion", "introspection", "locals", "xfail", "xpass", "strict", "skip", "could_not_run", "fail"),
    *("subtest", "subtest_value", "subtest_print", "subtest_log", "auto_id", "explicit_id", "fixture_id"),
    *("set_up", "teardown", "wide_teardown", "funcarg", "property", "suite_property", "attribute"),
    *("property_name", "suite_property_name"),
    *("docstring", "argument", "variable", "header", "cookie", "body", "path", "query", "evidence"),
    *("collection", "skipped_module", "encoded", "unittest"),
)
"""Each is the token of an identity in audit.yaml, given by the environment."""

SUITE = """
import base64, json, logging, os, sys, unittest, warnings
from urllib.parse import quote

def s(channel):
    return os.environ["SECRET_" + channel.upper()]

check = audit(dimension="4.1", level=3)

@check
def test_print():
    print("by-print", s("print"))

@check
def test_stderr():
    print("by-stderr", s("stderr"), file=sys.stderr)
    assert False

@check
def test_log():
    logging.getLogger("orders").error("by-log %s", s("log"))
    assert False

@check
def test_fd():
    os.write(1, b"by-fd " + s("fd").encode() + b"\\n")
    assert False

@check
def test_warning():
    warnings.warn("by-warning " + s("warning"))

@check
def test_exception():
    raise RuntimeError("by-exception " + s("exception"))

@check
def test_notes():
    error = ValueError("noted")
    error.add_note("by-notes " + s("notes"))
    raise error

@check
def test_cause():
    try:
        raise KeyError("by-cause " + s("cause"))
    except KeyError as error:
        raise RuntimeError("wrapped") from error

@check
def test_group():
    raise ExceptionGroup("several", [ValueError("by-group " + s("group")), ValueError("other")])

@check
def test_assertion():
    assert False, "by-assertion " + s("assertion")

@check
def test_introspection():
    assert {"by-introspection": s("introspection"), "more": [1]} == {"by-introspection": "other", "more": [2]}

@check
def test_locals():
    by_locals = s("locals")
    padded = "x" * 110 + by_locals + "x" * 400
    mapping = {"by_locals": by_locals, "url": quote(by_locals), "json": json.dumps(by_locals)}
    assert not by_locals

@pytest.mark.xfail(reason="by-xfail " + s("xfail"))
@check
def test_xfail():
    assert False

@pytest.mark.xfail(reason="by-xpass " + s("xpass"))
@check
def test_xpass():
    pass

@pytest.mark.xfail(reason="by-strict " + s("strict"), strict=True)
@check
def test_strict():
    pass

@check
def test_skip():
    pytest.skip("by-skip " + s("skip"))

@check
def test_could_not_run():
    raise CouldNotRun("by-could_not_run " + s("could_not_run"))

@check
def test_fail():
    pytest.fail("by-fail " + s("fail"))

@check
def test_subtest(subtests):
    with subtests.test("by-subtest " + s("subtest"), by_subtest_value=s("subtest_value")):
        print("by-subtest_print", s("subtest_print"))
        logging.getLogger("orders").error("by-subtest_log %s", s("subtest_log"))
        assert False

@pytest.mark.parametrize("value", ["by-auto_id " + s("auto_id"), "other"])
@check
def test_auto_id(value):
    pass

@pytest.mark.parametrize("value", [1, 2], ids=["by-explicit_id " + s("explicit_id"), "other"])
@check
def test_explicit_id(value):
    assert False

@pytest.fixture(params=["by-fixture_id " + s("fixture_id")])
def parametrised(request):
    return request.param

@check
def test_fixture_id(parametrised):
    assert False

@pytest.fixture
def breaks_first():
    raise OSError("by-set_up " + s("set_up"))

@check
def test_set_up(breaks_first):
    pass

@pytest.fixture
def breaks_last():
    yield
    raise OSError("by-teardown " + s("teardown"))

@check
def test_teardown(breaks_last):
    pass

@pytest.fixture(scope="class")
def breaks_widely():
    yield
    raise OSError("by-wide_teardown " + s("wide_teardown"))

class TestWide:
    @check
    def test_wide_teardown(self, breaks_widely):
        pass

@pytest.fixture
def by_funcarg():
    return s("funcarg")

@check
def test_funcarg(by_funcarg):
    assert False

@check
def test_property(record_property):
    record_property("by-property", s("property"))

@check
def test_property_name(record_property, record_testsuite_property):
    record_property("by-property_name " + s("property_name"), 200)
    record_testsuite_property("by-suite_property_name " + s("suite_property_name"), 200)

@check
def test_suite_property(record_testsuite_property):
    record_testsuite_property("by-suite_property", s("suite_property"))

@pytest.mark.filterwarnings("ignore::pytest.PytestExperimentalApiWarning")
@check
def test_attribute(record_xml_attribute):
    record_xml_attribute("by-attribute", s("attribute"))

@check
def test_docstring():
    pass

test_docstring.__doc__ = f"by-docstring {s('docstring')}\\n\\nImpact: by-docstring {s('docstring')}"

@check
def test_argument(audit_command):
    audit_command(["echo", "by-argument", s("argument"), "--by-argument=" + s("argument")])

@check
def test_variable(audit_command):
    audit_command(["env"], env={"BY_VARIABLE": s("variable")})

@check
def test_header(audit_identity):
    audit_identity("header").get("/by-header")

@check
def test_cookie(audit_http):
    audit_http.get("/", headers={"Cookie": "session=" + s("cookie").encode().hex()})

@audit(dimension="4.6", level=3, needs=("writes",))
def test_body(audit_http):
    audit_http.post("/", json={"by-body": s("body")})

@check
def test_path(audit_http):
    audit_http.get("/by-path/" + quote(s("path"), safe=""))

@check
def test_query(audit_http):
    answer = audit_http.get("/", params={"by-query": s("query")})
    answer.raise_for_status()
    assert not answer.text, f"by-query {answer.request.url}"

@check
def test_evidence(audit_evidence):
    value = s("evidence")
    audit_evidence.command("by-evidence " + value, value)
    audit_evidence.query("SELECT '" + value + "'", [(value, 1), (value.encode(), 2)])
    audit_evidence.load("by-evidence " + value, value)
    audit_evidence.verbal("by-evidence " + value, who=value)

@check
def test_encoded():
    value = s("encoded")
    for n in range(3):
        print("by-encoded", base64.b64encode(b"x" * n + value.encode() + b"yz").decode())
    print("by-encoded", quote(value), quote(value, safe=""), json.dumps(value), json.dumps(json.dumps(value)))
    print("by-encoded", value.encode(), value.encode().hex())

class TestUnittest(unittest.TestCase):
    @check
    def test_unittest(self):
        self.assertEqual("by-unittest", s("unittest"))

@check
def test_postgres(audit_postgres):
    pass

@check
def test_redis(audit_redis):
    audit_redis.ping()

@check
def test_basic(audit_identity):
    answer = audit_identity("basic").get("/")
    assert not answer.json()["headers"]["Authorization"]
"""

BROKEN = 'import os\nimport warnings\nraise RuntimeError("by-collection " + os.environ["SECRET_COLLECTION"])\n'
SKIPPED = (
    'import os\nimport pytest\npytest.skip("by-skipped_module " + os.environ["SECRET_SKIPPED_MODULE"], '
    "allow_module_level=True)\n"
)

CONFIG = """\
version: 1
service: orders
environment: local
lead_auditor: Ada
suites: none
timeouts: {connect: 2, request: 5}
build: {url: "/version?api_key=written-in-the-file", pointer: /sha, samples: 1}
targets:
  postgres: {dsn: "${POSTGRES_DSN}"}
  redis: {url: "${REDIS_URL}"}
  http: {base_url: "${HTTP_URL}"}
identities:
  basic: {username: "auditor", password: "${BASIC_PASSWORD}"}
"""


def config() -> str:
    """audit.yaml, with an identity for each channel."""
    return CONFIG + "".join(f'  {c}: {{token: "${{SECRET_{c.upper()}}}"}}\n' for c in CHANNELS)


def secrets() -> dict[str, str]:
    """Channel -> its secret."""
    return {c: secret(c) for c in CHANNELS}
