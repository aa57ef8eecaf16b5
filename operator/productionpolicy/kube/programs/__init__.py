"""What containers run, as far as their manifests tell.

The text of a script becomes tokens (`words`), and these become statements (`shell`). Whatever starts a program, be it
a statement or the command line of a container, is a tuple of words, of which the wrappers in front are taken off
(`commands`). So it is known what a container begins with (`start`), what it leaves running (`processes`) and where its
messages go (`log_files`). Nothing is ever run, and of what is not understood nothing is said.
"""
