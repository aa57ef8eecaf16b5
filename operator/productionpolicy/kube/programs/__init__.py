"""Static analysis of what containers run, from their manifests.

The text of a script becomes tokens (`words`), and these become statements (`shell`). A command, whether a statement or
the command line of a container, is a tuple of words, from which wrappers are removed (`commands`). From these follows
what a container starts (`start`), which processes it leaves running (`processes`) and where its messages go
(`log_files`). Nothing is executed, and what is not understood is not reported.
"""
