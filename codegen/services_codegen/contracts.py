"""From a directory of schemas to the files of a package, one step after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path

from services_codegen.allowlist import check
from services_codegen.clean import clean_copy
from services_codegen.documents import read_documents
from services_codegen.generate import generate
from services_codegen.marks import Marks
from services_codegen.package import write_files
from services_codegen.plan import AddressRule, Plan, make_plans
from services_codegen.proof import prove
from services_codegen.rebase import rebase
from services_codegen.references import References
from services_codegen.write import holds_classes, init_text, module_text

SHARED = "_internal"
"""The generator's name for the module of classes whose schemas refer to one another."""


def contract_files(source: Path, rule: AddressRule, package: str) -> tuple[dict[str, str], list[str]]:
    """File name → text for the package of contracts, and notes for the user. Raises InputError."""
    documents, notes = read_documents(source)
    references = References(documents)
    references.check_grounded()
    plans = make_plans(documents, rule, references.parts())
    with tempfile.TemporaryDirectory(prefix="services-codegen-") as name:
        folder = Path(name)
        marks = Marks()
        sources = generate({plan.module: clean_copy(plan, references, marks) for plan in plans}, folder)
        files, lost = _files(sources, plans, marks, references)
        write_files(folder / package, files)
        prove(folder, package)
    return files, [*notes, *lost]


def _files(
    sources: dict[str, str], plans: list[Plan], marks: Marks, references: References
) -> tuple[dict[str, str], list[str]]:
    origins = {plan.module: ascii(plan.name)[1:-1] for plan in plans} | {SHARED: "schemas that refer to one another"}
    trees = {name: check(name, text, sources) for name, text in sources.items() if name in origins}
    roots, lost = rebase(trees, plans, marks, references)
    files = {f"{name}.py": module_text(tree, origins[name]) for name, tree in trees.items() if holds_classes(tree)}
    files["__init__.py"] = init_text(roots, trees, "the schemas of its modules")
    for name, text in files.items():
        check(name, text, sources)  # what is written, not what was meant
    return dict(sorted((files | {"py.typed": ""}).items())), lost
