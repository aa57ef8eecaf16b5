"""Static analysis of what containers run, from their manifests.

The text of a script becomes tokens (`words`), and these become statements (`shell`). A command, whether a statement or
the command line of a container, is a tuple of words, from which wrappers are removed (`commands`). From these follows
what a container starts (`start`), with the variables that the kubelet expands (`environment`), which processes it
leaves running (`processes`), where its messages go (`log_files`), and what a preStop hook does (`hooks`). Nothing is
executed, and what is not understood is not reported.
"""
