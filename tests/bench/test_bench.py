"""The parts of the bench: capacity rules, plots, and the tables that a document quotes."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import plots
from bench.quoting import quoted
from bench.units import Units, item_size, units_of

ROOT = Path(__file__).resolve().parent.parent.parent
SVG = "{http://www.w3.org/2000/svg}"


def test_size_of_an_item_is_its_names_and_values() -> None:
    assert item_size({"pk": {"S": "abc"}, "n": {"N": "12345678"}}) == 2 + 3 + 1 + 6
    assert item_size({"set": {"SS": ["ab", "cd"]}}) == 3 + 4
    assert item_size({"sealed": {"B": "QUJD"}}) == 6 + 3


@pytest.mark.parametrize(("size", "units"), [(100, 1), (4090, 1), (4200, 2), (9000, 3)])
def test_a_strongly_consistent_read_costs_a_unit_for_4_kb(size: int, units: int) -> None:
    item = {"pk": {"S": "x" * size}}
    asked = {"TableName": "t", "Key": {}, "ConsistentRead": True}
    assert units_of("GetItem", asked, {"Item": item}) == Units(read=units)
    weak = {**asked, "ConsistentRead": False}
    assert units_of("GetItem", weak, {"Item": item}) == Units(read=units / 2)


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1100, 2), (3000, 3)])
def test_a_write_costs_a_unit_for_1_kb_and_two_in_a_transaction(size: int, units: int) -> None:
    item = {"pk": {"S": "x" * size}}
    assert units_of("PutItem", {"TableName": "t", "Item": item}, {}) == Units(write=units)
    transaction = {"TransactItems": [{"Put": {"TableName": "t", "Item": item}}]}
    assert units_of("TransactWriteItems", transaction, {}) == Units(write=2 * units)


def test_batch_costs_a_read_for_each_item_and_each_missing_one() -> None:
    asked: dict[str, Any] = {"RequestItems": {"t": {"Keys": [{}, {}]}}}
    answer = {"Responses": {"t": [{"pk": {"S": "x" * 5000}}]}}
    assert units_of("BatchGetItem", asked, answer) == Units(read=3)


def test_bars_are_drawn_to_scale() -> None:
    drawing = ElementTree.fromstring(  # noqa: S314 - made a line above
        plots.bars("A & B", {"one": [("x", 10.0)], "two": [("x", 5.0), ("y", 15.0)]}, unit="ms")
    )
    widths = [
        float(r.get("width", "0")) for r in drawing.iter(f"{SVG}rect") if r.get("height") == "20"
    ]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert widths[2] == pytest.approx(3 * widths[1], abs=0.2)


def test_lines_go_through_every_point() -> None:
    points = [(1, 5.0), (10, 5.0), (100, 10.0)]
    drawing = ElementTree.fromstring(  # noqa: S314 - made here
        plots.lines("t", {"a": points}, x_label="x", y_label="y", logarithmic=True)
    )
    (line,) = drawing.iter(f"{SVG}polyline")
    places = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.2)
    assert places[0][1] == places[1][1] > places[2][1]


def test_table_replaces_its_place_and_no_other() -> None:
    document = (
        "a\n<!-- results: X -->\nold\n<!-- end -->\n<!-- results: Y -->\nkept\n<!-- end -->\n"
    )
    assert quoted(document, "# R\n\n## X\n\n| new |\n") == (
        "a\n<!-- results: X -->\n\n| new |\n\n<!-- end -->\n"
        "<!-- results: Y -->\nkept\n<!-- end -->\n"
    )


def test_document_quotes_the_committed_results() -> None:
    document = (ROOT / "docs/performance.md").read_text()
    assert quoted(document, (ROOT / "bench/results/results.md").read_text()) == document
    assert document.count("<!-- results: ") == document.count("<!-- end -->")
