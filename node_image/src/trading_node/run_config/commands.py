"""The command line: ``trading-node config check | show | schema``."""

import argparse
import os
from pathlib import Path

from trading_api.exit_codes import ExitCode
from trading_node.errors import NodeError
from trading_node.run_config.load import hear_nothing_of, load_run_config
from trading_node.run_config.show import effective_text, schema_text

CHECK = """\
Finds out what can be found out without connecting to anything, and prints a line for each part:
the file with its rules and variables; then strategies (their modules are imported and run, and
they are constructed with their config), keys of venues, catalogs, the database's address.
Nothing is connected, traded or written. Exits with 0 if a start would get as far as connecting.
"""


def add_config_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands; the chosen one is the function ``command`` of the result."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="find out what can be found out without connecting",
        description=CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("file", type=Path, metavar="FILE", help="the run-config, JSON")
    check.add_argument("--only-file", action="store_true", help="the file alone: import no strategy, read no key")
    check.set_defaults(command=_check)
    show = commands.add_parser("show", help="print the run-config with every default, and without secrets")
    show.add_argument("file", type=Path, metavar="FILE", help="the run-config, JSON")
    show.set_defaults(command=_show)
    commands.add_parser("schema", help="print the JSON schema, for editors").set_defaults(command=_schema)


def _check(parsed: argparse.Namespace, _: object) -> int:
    loaded = load_run_config(parsed.file, os.environ)
    hear_nothing_of(loaded)
    print(f"ok       the file {parsed.file}")
    if parsed.only_file:
        return ExitCode.OK
    from trading_node.run_config.check import check_parts  # noqa: PLC0415  # Nautilus is slow to import

    refusals: list[NodeError] = []
    for finding in check_parts(loaded, os.environ):
        print(finding, flush=True)
        if finding.error is not None:
            refusals.append(finding.error)
    if not refusals:
        return ExitCode.OK
    first = refusals[0]
    raise NodeError(
        first.exit_code,
        first.reason,
        f"{len(refusals)} part(s) of {parsed.file} are refused",
        "Correct what the lines above say",
    )


def _show(parsed: argparse.Namespace, _: object) -> int:
    print(effective_text(load_run_config(parsed.file, os.environ)), end="")
    return ExitCode.OK


def _schema(_parsed: argparse.Namespace, _: object) -> int:
    print(schema_text(), end="")
    return ExitCode.OK
