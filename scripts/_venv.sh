# To be sourced by the scripts beside it (bash). Gives them a Python environment of the clone's own:
#
#     . "$(dirname -- "${BASH_SOURCE[0]}")/_venv.sh"
#     ensure_venv --group dev          # or --extra demo; both repeatable
#     "$VENV/bin/python" -m pytest
#
# It sets ROOT (the clone), VENV (its .venv) and, with ensure_venv, fills the latter; a second call costs nothing unless
# pyproject.toml has changed. Progress goes to stderr. Nothing outside the clone is touched.

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

# One line that says what is missing and how to get it; exit status 2.
lacking() {
    say "$1 is missing. Debian and Ubuntu: apt install python3 python3-venv git; macOS: brew install python git"
    exit 2
}

# The first Python that is new enough and can make environments.
find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1 || continue
        printf '%s\n' "$candidate"
        return 0
    done
    return 1
}

# with_progress TEXT LOG COMMAND...: runs it with its output in LOG; shows the seconds on a terminal, and the log's end
# if it fails.
with_progress() {
    local text="$1" log="$2" begun="$SECONDS" pid status=0
    shift 2
    [ -t 2 ] || say "$text ..."
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    while [ -t 2 ] && kill -0 "$pid" 2>/dev/null; do
        printf '\r%s ... %d s ' "$text" "$((SECONDS - begun))" >&2
        sleep 1
    done
    wait "$pid" || status=$?
    trap - INT TERM
    [ -t 2 ] && printf '\r' >&2
    if [ "$status" -ne 0 ]; then
        say "$text: failed"
        tail -n 15 "$log" >&2
        say "The whole log: $log"
        return 1
    fi
    say "$text: $((SECONDS - begun)) s"
}

# ensure_venv [--group NAME]... [--extra NAME]...: the environment with the clone installed editable.
ensure_venv() {
    local groups=() extras="" wanted="" python stamp state
    while [ "$#" -gt 0 ]; do
        case "$1" in
            --group) groups+=(--group "$2") ;;
            --extra) extras="${extras:+$extras,}$2" ;;
            *) say "ensure_venv: unknown argument $1"; exit 2 ;;
        esac
        wanted="$wanted$1-$2"
        shift 2
    done
    command -v git >/dev/null 2>&1 || lacking git
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        python="$(find_python)" || lacking "Python 3.11 or newer with its venv module"
        rm -rf -- "$VENV"
        mkdir -- "$VENV"
        with_progress "Making .venv" "$VENV/install.log" "$python" -m venv "$VENV" || exit 1
    fi
    stamp="$VENV/.installed$wanted"
    # A moved clone needs its editable install again, hence the folder's name.
    state="$ROOT $(cksum <"$ROOT/pyproject.toml")"
    [ -f "$stamp" ] && [ "$(cat -- "$stamp")" = "$state" ] && return 0
    # Dependency groups need pip 25.1; Debian 12 brings 23.0.
    with_progress "Upgrading pip" "$VENV/install.log" \
        "$VENV/bin/python" -m pip install --upgrade 'pip>=25.1' || exit 1
    with_progress "Installing the project and what it needs" "$VENV/install.log" \
        "$VENV/bin/python" -m pip install ${groups[@]+"${groups[@]}"} -e "$ROOT${extras:+[$extras]}" || exit 1
    printf '%s\n' "$state" >"$stamp"
}
