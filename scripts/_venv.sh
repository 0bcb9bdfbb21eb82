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
# Settings of the user's that are meant for other environments.
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0
unset PYTHONHOME PYTHONPATH

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
# if it fails. When we are stopped, so is the command with all that it has started, and it may clean up.
with_progress() {
    local text="$1" log="$2" begun="$SECONDS" pid status=0
    shift 2
    [ -t 2 ] || say "$text ..."
    set -m # a process group of its own, that a signal reaches as a whole
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    trap 'interrupt "$pid" 130' INT
    trap 'interrupt "$pid" 143' TERM
    trap 'interrupt "$pid" 129' HUP
    while [ -t 2 ] && kill -0 "$pid" 2>/dev/null; do
        printf '\r%s ... %d s ' "$text" "$((SECONDS - begun))" >&2
        sleep 1
    done
    wait "$pid" || status=$?
    trap - INT TERM HUP
    [ -t 2 ] && printf '\r%*s\r' "$((${#text} + 15))" "" >&2
    if [ "$status" -ne 0 ]; then
        say "$text: failed"
        tail -n 15 "$log" >&2
        say "The whole log: $log"
        return 1
    fi
    say "$text: $((SECONDS - begun)) s"
}

# interrupt PID STATUS: ends a process group as Ctrl-C would, and ourselves with that status.
interrupt() {
    trap '' INT TERM HUP
    kill -INT -- "-$1" 2>/dev/null
    wait "$1" || true
    [ -t 2 ] && say ""
    say "interrupted"
    exit "$2"
}

# Two scripts that start together must not fill .venv over each other. The lock is on a folder that is there anyway; it
# belongs to the descriptor, so that it stays when the program that took it has ended, and ends with us, however we end.
take_turns() {
    local python=""
    command -v flock >/dev/null 2>&1 || python="$(find_python)" || return 0 # without any, there is nothing to fill
    exec 9<"$ROOT/scripts"
    lock "$python" -n 2>/dev/null && return 0
    say "Waiting for another script that is at work on .venv ..."
    lock "$python" 2>/dev/null || true # a file system without locks
}

# lock PYTHON [-n]: takes the lock of descriptor 9, with -n only if that needs no waiting. With PYTHON empty by flock,
# which macOS lacks.
lock() {
    if [ -z "$1" ]; then
        flock ${2:+"$2"} 9
    else
        "$1" -c "import fcntl; fcntl.flock(9, fcntl.LOCK_EX${2:+ | fcntl.LOCK_NB})"
    fi
}

# fill TEXT COMMAND...: a step of an installation. What it would leave in /tmp when it is killed stays in .venv.
fill() {
    local text="$1"
    shift
    rm -rf -- "$VENV/tmp"
    mkdir -- "$VENV/tmp"
    TMPDIR="$VENV/tmp" with_progress "$text" "$VENV/install.log" "$@" || exit 1
    rm -rf -- "$VENV/tmp"
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
    take_turns
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        python="$(find_python)" || lacking "Python 3.11 or newer with its venv module"
        rm -rf -- "$VENV"
        mkdir -- "$VENV" || exit 1
        fill "Making .venv" "$python" -m venv "$VENV"
    fi
    stamp="$VENV/.installed$wanted"
    # A moved clone needs its editable install again, hence the folder's name.
    state="$ROOT $(cksum <"$ROOT/pyproject.toml")"
    if [ ! -f "$stamp" ] || [ "$(cat -- "$stamp")" != "$state" ]; then
        # Dependency groups need pip 25.1; Debian 12 brings 23.0.
        fill "Upgrading pip" "$VENV/bin/python" -m pip install --upgrade 'pip>=25.1'
        fill "Installing the project and what it needs" \
            "$VENV/bin/python" -m pip install ${groups[@]+"${groups[@]}"} -e "$ROOT${extras:+[$extras]}"
        printf '%s\n' "$state" >"$stamp"
    fi
    exec 9<&- # the next one's turn
}
