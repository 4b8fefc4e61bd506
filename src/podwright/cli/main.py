"""`podwright`: finds the verb and runs it.

Errors that a user can do something about are one line on standard error and exit status 1; wrong usage is 2.
"""

from __future__ import annotations

import importlib

import click

import podwright

VERBS = {
    "up": "start the node, or say that it is up",
    "down": "stop Pods and runtime; --purge leaves nothing behind",
    "status": "what is running, and how to reach it",
    "run": "bring the node up if need be, apply files, follow them to the end",
    "ps": "the containers of this node",
    "logs": "what a Pod's containers printed",
    "why": "why a Pod is not running",
    "image": "ls, pull, import, rm, pin, unpin, retry, prune",
    "registry": "check, login, logout",
    "doctor": "what is missing on this machine, and how to get it",
    "join": "make this machine a node of another cluster (not there yet)",
}


class Verbs(click.Group):
    """Imports the module of a verb when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first day's use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's `command`."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"podwright.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help without importing every verb."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    podwright.__version__, message=f"podwright %(version)s (Kubernetes {podwright.KUBERNETES_VERSION})"
)
def main() -> None:
    """Kubernetes Pods on one machine, from one program, on a real container runtime."""
