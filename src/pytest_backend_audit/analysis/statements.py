"""Statements as pg_stat_statements keeps them, made into what a role that may only read can have planned."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

_TOKENS = re.compile(
    r"(?P<space>\s+|--[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)\*/)"
    r'|(?P<quoted>"(?>(?:[^"]|"")*)")'
    r"|(?P<literal>(?:[eEbBxXnN]|[uU]&)?'(?>(?:[^'\\]|''|\\.)*)'|(?P<tag>\$[A-Za-z_]*\$)(?>(?:(?!(?P=tag))[\s\S])*)(?P=tag))"
    r"|(?P<parameter>\$\d+)"
    r"|(?P<word>[^\W\d][\w$]*+)"
    r"|(?P<number>\d[\w.]*+)"
    r"|(?P<operator>[-+*/<>=~!@#%^&|`?:]++)"
    r"|(?P<other>.)",
    re.DOTALL,
)
# Texts in which a semicolon can stand in quotes only, whichever way the server takes backslashes: no comment, no
# backslash and no quote by dollars is in them.
_ONE = re.compile(r"(?>(?:[^'\"$\\;/-]|-(?!-)|/(?!\*)|\$\d+|'(?>(?:[^'\\]|'')*)'|\"(?>[^\"\\]*)\")*)")
_LOCKS = {"UPDATE", "NO", "SHARE", "KEY"}
_LOCKING = _LOCKS | {"OF", "NOWAIT", "SKIP", "LOCKED", "FOR", ","}
_TYPES = {"INTERVAL", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "JSON", "JSONB", "UUID", "INET", "NUMERIC", "BYTEA"}
_SEVERAL = "it may be several statements"
_CATALOGS = ("pg_", "information_schema.", "unnest", "generate_series")
# Relations of pg_catalog in PostgreSQL 15 to 18; a table of the service's may be called pg_orders.
_OF_SERVER = re.compile(
    r"information_schema\..*|pg_catalog\..*|pg_(?:stat|statio|ls|show|options|partition|publication|sequence)_\w+"
    r"|pg_(?:aggregate|aios|am|amop|amproc|attrdef|attribute|auth_members|authid|available_extension(?:s|_versions)"
    r"|backend_memory_contexts|cast|class|collation|config|constraint|conversion|cursors|database|db_role_setting"
    r"|default_acl|depend|description|enum|event_trigger|extension|file_settings|foreign_(?:data_wrapper|server|table)"
    r"|group|hba_file_rules|ident_file_mappings|index|indexes|inherits|init_privs|language|largeobject(?:_metadata)?"
    r"|locks|matviews|namespace|opclass|operator|opfamily|parameter_acl|partitioned_table|policies|policy|prepared_\w+"
    r"|proc|publication|range|replication_(?:origin|origin_status|slots)|rewrite|roles|rules|seclabels?|sequences?"
    r"|settings|shadow|shdepend|shdescription|shmem_allocations(?:_numa)?|shseclabel|statistic|statistic_ext(?:_data)?"
    r"|stats|stats_ext(?:_exprs)?|subscription(?:_rel)?|tables|tablespace|timezone_(?:abbrevs|names)|transform|trigger"
    r"|ts_(?:config|config_map|dict|parser|template)|type|user|user_mappings?|views|wait_events)"
    r"|(?:\w+\.)?pg_stat_statements(?:_info)?"
)
_ROWS_OF_NOTHING = {"unnest", "generate_series"}
_END_OF_LIST = {"WHERE", "ON", "USING", "GROUP", "ORDER", "LIMIT", "UNION", "SELECT", "HAVING", "WINDOW"}
_CHANGES = {"INSERT", "UPDATE", "DELETE", "MERGE"}


def as_read(statement: str) -> str | None:
    """The reading part of a statement, that EXPLAIN can be asked for without the right to write.

    Of an UPDATE or DELETE it is the search for its rows, of an INSERT the query that gives them. Row locks, which ask
    for more than reading rights, are left out. Where the server's own normalised text can't be parsed, it is written
    otherwise: a literal with its type before it, as in ``date '2026-01-01'``, becomes a cast, and ``extract(epoch FROM
    ...)`` the function that it stands for.

    Args:
        statement: As pg_stat_statements has it, with ``$1`` for each literal.

    Returns:
        A SELECT (or what begins with WITH or VALUES); None where nothing is read.

    Raises:
        ValueError: It can't be had; the message says why.
    """
    tokens = _cast(_tokens(statement))
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if ";" in tokens:
        raise ValueError(_SEVERAL)
    first = tokens[0].upper() if tokens else ""
    if first == "UPDATE":
        tokens = _update(tokens)
    elif first == "DELETE":
        tokens = _delete(tokens)
    elif first == "INSERT":
        tokens = _insert(tokens)
        if not tokens:
            return None
    elif first == "MERGE" or (first == "WITH" and any(t.upper() in _CHANGES for t in _at_start(tokens))):
        raise ValueError("what it reads can't be told from what it changes")
    if not any(t.upper() in {"FROM", "TABLE"} for t in tokens):
        return None
    read = " ".join(_renumbered(_without_locks(tokens)))
    if ";" in read and not _ONE.fullmatch(read):
        # It is sent as it is, also where it comes from a file: what follows a semicolon would be executed.
        raise ValueError(_SEVERAL)
    return read


def parameters(statement: str) -> int:
    """The highest number of a parameter in it; 0 for none."""
    return max((int(t[1:]) for t in _tokens(statement) if re.fullmatch(r"\$\d+", t)), default=0)


def limits(statement: str) -> set[int]:
    """Numbers of the parameters that say how many rows are wanted."""
    pairs = itertools.pairwise(_tokens(statement))
    return {int(n[1:]) for word, n in pairs if word.upper() == "LIMIT" and re.fullmatch(r"\$\d+", n)}


def functions(statement: str) -> list[str]:
    """Names that are followed by a parenthesis: every function that it calls, and some that are none."""
    tokens = _tokens(statement)
    return sorted(
        {
            before.lower()
            for before, after in itertools.pairwise(tokens)
            if after == "(" and re.fullmatch(r"[^\W\d][\w$]*", before)
        }
    )


def only_catalogs(statement: str) -> bool:
    """Whether all that it reads are the server's own catalogs, as drivers do that look for types and tables.

    What is not understood counts as something else.
    """
    read = _read(statement)
    return bool(read) and all(name.startswith(_CATALOGS) for name in read)


def of_tools(statement: str) -> bool:
    """Whether it asks the server about itself and nothing else, as monitoring, administrators and drivers do.

    Other than for `only_catalogs`, a name that only looks like one of the server's is none.
    """
    try:
        read = _read(as_read(statement) or "")
    except ValueError:
        return False
    asked = [name for name in read if name not in _ROWS_OF_NOTHING]
    return bool(asked) and all(_OF_SERVER.fullmatch(name) for name in asked)


def _read(statement: str) -> list[str]:
    """What it reads, in lower case and without quotes; what a WITH of its own makes is left out."""
    tokens = _tokens(statement)
    own = {b for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False) if _is_with(a, c)}
    return [name.replace('"', "").lower() for name in _relations(tokens) if name not in own]


def _is_with(before: str, after: str) -> bool:
    return before.upper() in {"WITH", "RECURSIVE"} or (before == "," and after.upper() == "AS")


def _relations(tokens: Sequence[str]) -> Iterator[str]:
    """What stands where a FROM or JOIN names something: tables with their schemas, functions."""
    listing: list[bool] = [False]
    expected = False
    for place, token in enumerate(tokens):
        word = token.upper()
        if word == "(":
            listing.append(False)
            expected = False
        elif word == ")":
            listing[1:] = listing[1:-1]
        elif word in {"FROM", "JOIN"} or (token == "," and listing[-1]):  # noqa: S105 - a comma
            listing[-1] = expected = True
        elif expected and word not in {"ONLY", "LATERAL"}:
            expected = False
            yield "".join(tokens[place : place + 3]) if tokens[place + 1 : place + 2] == ["."] else token
        elif word in _END_OF_LIST:
            listing[-1] = False


def shortened(statement: str, most: int = 160) -> str:
    """A statement on one line, of bounded length and without comments, for a message."""
    line = " ".join("".join(m[0] for m in _TOKENS.finditer(statement) if not m[0].startswith(("/*", "--"))).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def _tokens(statement: str) -> list[str]:
    """Everything but blanks and comments; a qualified name's parts are tokens of their own."""
    return [m[0] for m in _TOKENS.finditer(statement) if m.lastgroup != "space" and not m["space"]]


def _cast(tokens: Sequence[str]) -> list[str]:
    made: list[str] = []
    for token in tokens:
        if token.startswith("$") and token[1:].isdigit() and made and made[-1].upper() in _TYPES:
            made[-1:] = ["CAST", "(", token, "AS", made[-1], ")"]
        elif token.upper() == "FROM" and [t.upper() for t in made[-3:-1]] == ["EXTRACT", "("] and made[-1][0] == "$":
            made[-3:] = ["date_part", "(", "CAST", "(", made[-1], "AS", "text", ")", ","]
        else:
            made.append(token)
    return made


def _renumbered(tokens: Sequence[str]) -> list[str]:
    # The server asks for the type of each parameter up to the highest, also of those that went with the rest.
    used = sorted({int(t[1:]) for t in tokens if re.fullmatch(r"\$\d+", t)})
    numbers = {f"${old}": f"${new}" for new, old in enumerate(used, 1)}
    return [numbers.get(token, token) for token in tokens]


def _depths(tokens: Sequence[str]) -> list[int]:
    depth, found = 0, []
    for token in tokens:
        depth -= token in {")", "]"}
        found.append(depth)
        depth += token in {"(", "["}
    return found


def _places(tokens: Sequence[str]) -> dict[str, int]:
    """Where each keyword first stands outside of parentheses."""
    found: dict[str, int] = {}
    for place, (token, depth) in enumerate(zip(tokens, _depths(tokens), strict=True)):
        if depth == 0:
            found.setdefault(token.upper(), place)
    return found


def _update(tokens: list[str]) -> list[str]:
    places = _places(tokens)
    if "CURRENT" in places:
        raise ValueError("it changes a cursor's row")
    end = places.get("RETURNING", len(tokens))
    where = places.get("WHERE", end)
    begin = places.get("FROM", where)
    more = tokens[begin + 1 : where]
    table = tokens[1 : places["SET"]]
    return ["SELECT", "1", "FROM", *table, *([",", *more] if more else []), *tokens[where:end]]


def _delete(tokens: list[str]) -> list[str]:
    places = _places(tokens)
    if "CURRENT" in places:
        raise ValueError("it deletes a cursor's row")
    end = places.get("RETURNING", len(tokens))
    where = places.get("WHERE", end)
    using = places.get("USING", where)
    more = tokens[using + 1 : where]
    return ["SELECT", "1", "FROM", *tokens[2:using], *([",", *more] if more else []), *tokens[where:end]]


def _insert(tokens: list[str]) -> list[str]:
    places = _places(tokens)
    begin = min((places[w] for w in ("SELECT", "WITH") if w in places), default=None)
    if begin is None:
        return []
    conflict = places.get("ON") if tokens[places.get("ON", 0) + 1 : places.get("ON", 0) + 2] == ["CONFLICT"] else None
    end = min(p for p in (conflict, places.get("RETURNING"), len(tokens)) if p is not None)
    return tokens[begin:end]


def _at_start(tokens: Sequence[str]) -> list[str]:
    """Tokens that begin a statement: after a parenthesis or at the end of the WITH list."""
    return [t for before, t in zip(["(", *tokens], tokens, strict=False) if before in {"(", ")"}]


def _without_locks(tokens: Sequence[str]) -> list[str]:
    made: list[str] = []
    skipping = False
    names = 0
    for place, token in enumerate(tokens):
        word = token.upper()
        following = tokens[place + 1].upper() if place + 1 < len(tokens) else ""
        if word == "FOR" and following in _LOCKS:
            skipping, names = True, 0
        if skipping:
            if word == "OF":
                names = 1
            elif word not in _LOCKING and not names:
                skipping = False
            elif word not in _LOCKING:
                names += 1
                skipping = token not in {")", ";"} and word not in {"LIMIT", "OFFSET"}
        if not skipping:
            made.append(token)
    return made
