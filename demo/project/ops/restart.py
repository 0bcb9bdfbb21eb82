"""Restart a part of the environment: ``python3 ops/restart.py postgres``. STACK_CONTROL_URL says who does it."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask, and wait until the part is up again."""
    url = f"{os.environ['STACK_CONTROL_URL']}/restart/{sys.argv[1]}"
    request = urllib.request.Request(url, method="POST")  # noqa: S310 - the environment's own
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.stderr.write(error.read().decode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
