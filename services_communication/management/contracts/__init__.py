"""What ``manage.py contracts`` does: one file for each of its subcommands, and what they share.

list.py  show.py  diff.py  graph.py  needs.py     `add_arguments(parser)`, and `run(out, options)` → the exit code
declared.py     the contracts of this process, and what this service does with each
fields.py       the fields of a contract, for a person
git.py          files as they were at a revision
output.py       where it all goes: columns, colours, width
"""

from __future__ import annotations
