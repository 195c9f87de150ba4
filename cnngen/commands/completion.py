"""`cnngen completion`: the script by which a shell completes commands and their arguments."""

import click

from cnngen.cli import cli


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, specs and options in a shell.

    \b
    Put one line into the file that the shell reads when it starts:
      bash, ~/.bashrc:  eval "$(cnngen completion bash)"
      zsh, ~/.zshrc:    eval "$(cnngen completion zsh)"
      fish, ~/.config/fish/config.fish:
                        cnngen completion fish | source

    Bash must be 4.4 or newer.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind, "click knows the three shells"
    click.echo(kind(cli, {}, "cnngen", "_CNNGEN_COMPLETE").source())
