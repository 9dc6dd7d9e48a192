"""Schemas to typed code: a directory of JSON Schemas becomes a Python package of contracts.

The schemas are another team's input and are not trusted. They pass through, in this order:

    documents   read, measured, parsed; links out of the directory refused
    replies     a call's reply joins the definitions of its document
    plan        what each document becomes: its module, class, kind and address
    clean       a copy that holds known keywords only, every ``$ref`` resolved inside the directory
    generate    datamodel-code-generator, in a process of its own, on those copies
    allowlist   the generated syntax tree may hold imports from a list, classes, annotations and constants
    overlay     fields are annotated from their schemas (render); what is not enforced is noted (fidelity)
    rebase      root classes get their kind and address; aliases and defaults are put right
    layout      the tree is written out again, so nothing of the generator's text is taken over
    proof       the package is imported once in a process of its own
    package     the directory is replaced in one step, or compared
"""

from __future__ import annotations
