"""Documents of contracts in version control: where each lies, how they are read, compared with the code and written.

paths.py      which file a contract's document is
strict.py     JSON that is read as strictly as it is written
lock.py       which bytes were written: an edit by hand is seen
store.py      a service's directory: read with all its faults, written all or nothing
revisions.py  the forms that a document had before, kept inside it
waivers.py    breaks that were accepted, until when and why
plan.py       the code against the files: what is new, changed, missing
"""

from __future__ import annotations
