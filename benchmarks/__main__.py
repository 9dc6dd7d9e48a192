"""``scripts/bench [NAME…] [--json FILE] [--markdown FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Result
from benchmarks.project import set_up


def main() -> int:
    set_up()
    # Below the set-up: these modules hold models and contracts.
    from benchmarks import check, consumer, contract, relay  # noqa: PLC0415  needs the settings

    known: dict[str, Callable[[], Result]] = {
        "relay": relay.run,
        "consumer": consumer.run,
        "consumer-prefetch": consumer.run_default_prefetch,
        "consumer-select": consumer.run_select,
        "consumer-atomic": consumer.run_atomic,
        "consumer-inbox": consumer.run_inbox,
        "encode": contract.run_encode,
        "decode": contract.run_decode,
        "check": check.run_check,
        "judge": check.run_judge,
    }
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Speed beside peers, in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all when none is given")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--markdown", type=Path, help="write the table there")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - known.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    results = []
    for name in arguments.names or known:
        results.append(known[name]())
        print(_line(results[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({r.name: _figures(r) for r in results}, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(_markdown(results))
    return 0


def _figures(result: Result) -> dict[str, object]:
    return {
        "value": result.ours,
        "beside": result.peer,
        "ratio": result.ratio,
        "what": result.what,
        "peer": result.beside,
    }


def _line(result: Result) -> str:
    return (
        f"{result.name:16} {result.what:38} {result.ours:>10,.0f}/s   "
        f"beside {result.beside:42} {result.peer:>10,.0f}/s   ratio {result.ratio:.2f}"
    )


def _markdown(results: list[Result]) -> str:
    rows = [f"| {r.name} | {r.what} | {r.ours:,.0f} | {r.beside} | {r.peer:,.0f} | {r.ratio:.2f} |" for r in results]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Messages a second, medians of five rounds in which both sides took turns; only the ratio means something.",
            f"Python {platform.python_version()}, two cores, with the servers on the same machine.",
            "Run `scripts/bench` for your own.",
            "",
            "The handlers do nothing. `consumer` is registered with `atomic=False` and the inbox off;",
            "`consumer-atomic` runs each handler in a transaction; `consumer-inbox` is what a handler gets unless it",
            "says otherwise: a commit in the database for each message, which the bare callback does not make.",
            "`check` and `judge` count versions of contracts; beside them stands half as many, so the ratio is 1.0",
            "where time grows linearly.",
            "",
            "| name | what | per second | beside | per second | ratio |",
            "|--|--|--:|--|--:|--:|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
