"""English: phrases of an earlier dialect stay out of what has been rewritten.

Code, comments, docstrings, texts and names count alike. CONTRIBUTING.md has the rules in short.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
REWRITTEN = (
    *("CONTRIBUTING.md", "docs/decisions", "docs/security.md", "docs/ending.md"),
    *("functions/admin", "functions/authorizer", "functions/notifications", "functions/smoke"),
    *("bench", "edge", "examples", "harness", "local", "provision", "shared"),
    *("tests/bench", "tests/browser", "tests/built", "tests/conftest.py", "tests/costs"),
    *("tests/declarations", "tests/examples", "tests/fuzz", "tests/hostile", "tests/journey"),
    *("tests/local", "tests/provision", "tests/records", "tests/smoke", "tests/snapshot"),
    *("tests/store", "tests/support", "tests/template", "tests/unit", "functions/auth"),
    *("docs/deploy.md", "docs/how-it-works.md", "docs/local.md", "docs/operations.md"),
    *("docs/performance.md", "docs/protect.md", "docs/scale.md", "docs/setup.md"),
    *("README.md", "SECURITY.md", "CHANGELOG.md", "template.yaml"),
)
"""Folders and files that are free of the phrases, and stay so."""
KINDS = {".html", ".md", ".py", ".yaml"}

PHRASES = {
    r"anew": "again",
    r"who(?:m)?ever": "the caller, the user, the operator",
    r"(?<!there )(?<!there's )(?:is|are) no (?!(?:longer|error)\b)\w+": "is not a valid",
    r"(?:none|true|false|nothing|empty|absent|an error) where": "if, or when",
    r"who is at": "the noun: the holder of the lease",
    # The names of the deployed queue, `EndingsQueue` and `<stack>-endings`, are a contract.
    r"(?<!line )(?<!checks )(?<!-)endings": "revocations",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"what is wrong (?:is|with)": "every error names",
    r'(?<=""")the same': "a docstring that stands alone",
    r"(?:one|a) (?:more )?look(?!-alike)": "refetch",
    r"looks for (?:keys|unknown)": "refetches",
    r"(?:a|the) refresh (?:brings|brought)": "the token response",
    r"than any that is meant": "than the limit",
    r"by (?:its|their) word": "the condition under which it is trusted",
    r"lets? nobody in": "fails closed, denies",
    r"what (?:is|was) not said": "the option that is omitted",
    r"as ever": "as before, or nothing",
    r"said otherwise": "set",
}
"""What is refused, as a pattern of whole words in any case, and what says it instead."""


def files_of(name: str) -> Iterator[Path]:
    """Yield the files of a folder, or the file of this name; this one, which lists them, is not."""
    path = ROOT / name
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and file.suffix in KINDS and file != Path(__file__).resolve():
            yield file


def sentences(text: str, *, document: bool) -> str:
    """Return a text on one line: wrapped comments are joined, and names become words.

    Names of files are left out, and so is what a document quotes, as a rule about a phrase does.
    """
    text = re.sub(r"[\w./-]+\.(?:md|py)\b", "", text)
    if document:
        text = re.sub(r'"[^"\n]*"', "", text)
    return re.sub(r"[\s#_*]+", " ", text)


def found_in(text: str, *, document: bool = False) -> list[str]:
    """Return each refused phrase of a text, with a few words around it."""
    line = sentences(text, document=document)
    return [
        f"{line[max(0, match.start() - 30) : match.end() + 30]!r}: write {instead}"
        for phrase, instead in PHRASES.items()
        for match in re.finditer(rf"\b(?:{phrase})\b", line, re.IGNORECASE)
    ]


@pytest.mark.parametrize("name", REWRITTEN)
def test_phrase_is_not_used(name: str) -> None:
    files = list(files_of(name))
    assert files
    found = {
        str(file.relative_to(ROOT)): phrases
        for file in files
        if (phrases := found_in(file.read_text(), document=file.suffix == ".md"))
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "# Keys are fetched anew.",
        "def test_what_is_no_token(): ...",
        "# This is no\n    # valid token",
        '"""The session, or None where it has ended."""',
        '"""The same for a page."""',
        "Whoever asks",
    ],
)
def test_phrase_is_found(text: str) -> None:
    assert len(found_in(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("There is no such page", "It is no longer open", "line endings", "recommended"),
        *("the same for each", "see docs/anew.md", "a look-alike", "EndingsQueue", "prod-endings"),
        "An unknown locale is no error.",
    ],
)
def test_ordinary_english_is_not_refused(text: str) -> None:
    assert found_in(text) == []


def test_document_may_quote_a_phrase() -> None:
    assert found_in('Write "again", not "anew".', document=True) == []
