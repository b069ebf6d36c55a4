"""Prices of Codex's models in the sidecar's own table: what is added, what stays, and what is said."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from patcher.prove import Sidecar
from tests.support import ROOT

pytestmark = pytest.mark.slow

PRICES = "server/lib/codex-prices.json"
MODELS = json.loads((ROOT / "templates" / "overlay" / PRICES).read_text())["models"]
CLAUDE = {"claude-opus-4-7%", "claude-haiku-4-5%"}


def rules(sidecar: Sidecar) -> dict[str, dict[str, Any]]:
    return {each["model_pattern"]: each for each in sidecar.get("/api/pricing")["pricing"]}


def restarted_with(sidecar: Sidecar, **columns: Any) -> dict[str, dict[str, Any]]:
    """The rules after a start on a database that has this rule of the user's, and nothing of ours."""
    sidecar.stop()
    with sqlite3.connect(sidecar.database_path) as database:
        database.execute("DELETE FROM model_pricing")
        database.execute(
            "INSERT INTO model_pricing VALUES (:model_pattern, 'mine', :price, :price, :price, :price)", columns
        )
    database.close()
    sidecar.start()
    return rules(sidecar)


def test_the_prices_are_data_with_their_source_and_date() -> None:
    content = json.loads((ROOT / "templates" / "overlay" / PRICES).read_text())
    assert "rate card" in content["source"] and content["date"] == "2026-08-01"
    assert len({each["pattern"] for each in MODELS}) == len(MODELS)


def test_each_model_has_its_prices_and_what_has_none_of_its_own_costs_as_input(patched_sidecar: Sidecar) -> None:
    found = rules(patched_sidecar)
    assert found.keys() == {each["pattern"] for each in MODELS} | CLAUDE
    for model in MODELS:
        row = found[model["pattern"]]
        written = model["input"] if model["written"] is None else model["written"]
        cached = model["input"] if model["cached"] is None else model["cached"]
        assert (row["input_per_mtok"], row["output_per_mtok"]) == (model["input"], model["output"])
        assert (row["cache_read_per_mtok"], row["cache_write_per_mtok"]) == (cached, written)


def test_a_rule_that_the_user_has_changed_stays(patched_sidecar: Sidecar) -> None:
    found = restarted_with(patched_sidecar, model_pattern="gpt-5.5%", price=77)
    assert found["gpt-5.5%"]["input_per_mtok"] == 77
    assert found["gpt-5.4%"]["input_per_mtok"] == 2.5


@pytest.mark.parametrize("pattern", ["gpt-%", "%"])
def test_a_rule_of_the_users_own_that_covers_a_model_is_not_overridden(patched_sidecar: Sidecar, pattern: str) -> None:
    found = restarted_with(patched_sidecar, model_pattern=pattern, price=77)
    ours = {each["pattern"] for each in MODELS if pattern == "gpt-%" and not each["pattern"].startswith("gpt-")}
    assert found.keys() == ours | CLAUDE | {pattern}


def test_a_rule_that_is_no_pattern_stops_nothing(patched_sidecar: Sidecar) -> None:
    assert restarted_with(patched_sidecar, model_pattern="gpt-(%", price=77).keys() >= {"gpt-5.5%", "gpt-(%"}


def damaged(sidecar_tree: str, work: Path, text: str) -> str:
    """The generated tree with this text for the file of prices."""
    tree = shutil.copytree(sidecar_tree, work / "tree")
    (tree / PRICES).write_text(text)
    return str(tree)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "cannot be used, Codex sessions have no prices", id="empty"),
        pytest.param('{"models": [{"pattern": "gpt', "cannot be used, Codex sessions have no prices", id="half of it"),
        pytest.param("[]", "cannot be used, Codex sessions have no prices", id="a list"),
        pytest.param('{"models": [null, 3]}', "expected a pattern, a name and prices, found null", id="no model"),
    ],
)
def test_a_damaged_file_of_prices_is_said_and_stops_nothing(
    sidecar_tree: str,
    _sidecar_node: Any,  # noqa: PT019
    tmp_path: Path,
    text: str,
    said: str,
) -> None:
    with Sidecar(damaged(sidecar_tree, tmp_path, text), _sidecar_node) as sidecar:
        assert rules(sidecar).keys() == CLAUDE
        assert said in sidecar.log()


@pytest.mark.parametrize("price", ['"5"', "-1", "null", "1e999", "[]"])
def test_a_price_that_is_no_number_leaves_its_model_out(
    sidecar_tree: str,
    _sidecar_node: Any,  # noqa: PT019
    tmp_path: Path,
    price: str,
) -> None:
    good = '{"pattern": "gpt-a%", "name": "A", "input": 1, "output": 2}'
    bad = f'{{"pattern": "gpt-b%", "name": "B", "input": 1, "output": {price}}}'
    tree = damaged(sidecar_tree, tmp_path, f'{{"models": [{good}, {bad}]}}')
    with Sidecar(tree, _sidecar_node) as sidecar:
        assert rules(sidecar).keys() == CLAUDE | {"gpt-a%"}
        assert '"pattern":"gpt-b%"' in sidecar.log() and "left out" in sidecar.log()


def test_a_model_without_a_price_is_named_and_said_once(patched_sidecar: Sidecar) -> None:
    patched_sidecar.post_hook("SessionStart", {"session_id": "unpriced", "cwd": "/p"})
    patched_sidecar.wait_for(lambda: patched_sidecar.get("/api/sessions")["total"], 5, "the session")
    with sqlite3.connect(patched_sidecar.database_path, timeout=5) as database:
        for model, tokens in (("kestrel-9", 10), ("nothing-used", 0)):
            database.execute(
                "INSERT INTO token_usage (session_id, model, input_tokens) VALUES ('unpriced', ?, ?)", (model, tokens)
            )
    database.close()
    for _ in range(2):
        for path in ("/api/pricing/cost/unpriced", "/api/pricing/cost"):
            cost = patched_sidecar.get(path)
            assert [each["model"] for each in cost["unpriced_models"]] == ["kestrel-9"]
            assert cost["unpriced_models"][0]["input_tokens"] == 10 and cost["total_cost"] == 0
    assert patched_sidecar.log().count("no price for the model kestrel-9") == 1
