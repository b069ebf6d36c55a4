"""Prices of Codex's models in the sidecar's own table: what is added, what stays, and what is said."""

import json
import re
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
PRICED = ("input", "cached", "written", "output")
RULE = """
    INSERT OR REPLACE INTO model_pricing (model_pattern, display_name, input_per_mtok, output_per_mtok,
                                          cache_read_per_mtok, cache_write_per_mtok)
    VALUES (?, 'mine', ?, ?, ?, ?)"""
CLAUDE = {"claude-opus-4-7%", "claude-haiku-4-5%"}


def rules(sidecar: Sidecar) -> dict[str, dict[str, Any]]:
    return {each["model_pattern"]: each for each in sidecar.get("/api/pricing")["pricing"]}


def use(sidecar: Sidecar, *models: str, tokens: int = 1_000_000) -> None:
    """A session that used so many input tokens of each of these models."""
    sidecar.post_hook("SessionStart", {"session_id": "used", "cwd": "/p"})
    sidecar.wait_for(lambda: sidecar.get("/api/sessions")["total"], 5, "the session")
    with sqlite3.connect(sidecar.database_path, timeout=5) as database:
        insert = "INSERT INTO token_usage (session_id, model, input_tokens) VALUES ('used', ?, ?)"
        database.executemany(insert, [(model, tokens) for model in models])
    database.close()


def set_rule(sidecar: Sidecar, pattern: Any, price: Any) -> None:
    """A rule of the user's, past the checks of any route."""
    with sqlite3.connect(sidecar.database_path, timeout=5) as database:
        database.execute(RULE, (pattern, *[price] * 4))
    database.close()


def reasons(sidecar: Sidecar) -> dict[str, str]:
    """The models without a price of their own, with the reason; the same for the session and for all."""
    one, every = (sidecar.get(f"/api/pricing/cost{path}")["unpriced_models"] for path in ("/used", ""))
    assert one == every
    return {each["model"]: each["reason"] for each in every}


def restarted_with(sidecar: Sidecar, pattern: str, price: float) -> dict[str, dict[str, Any]]:
    """The rules after a start on a database that has this rule of the user's, and nothing of ours."""
    sidecar.stop()
    with sqlite3.connect(sidecar.database_path) as database:
        database.execute("DELETE FROM model_pricing")
        database.execute(RULE, (pattern, *[price] * 4))
    database.close()
    sidecar.start()
    return rules(sidecar)


def test_the_prices_are_data_with_their_source_and_date() -> None:
    content = json.loads((ROOT / "templates" / "overlay" / PRICES).read_text())
    assert "rate card" in content["source"] and content["date"] == "2026-10-26"
    assert len({each["pattern"] for each in MODELS}) == len(MODELS)


def test_no_other_rule_fits_a_published_model_more_closely() -> None:
    """As upstream matches: the longest pattern first, `%` for anything, and a point for any character."""
    longest = sorted(MODELS, key=lambda each: -len(each["pattern"]))
    for model in MODELS:
        for name in (model["pattern"].replace("%", ""), *model.get("also", ())):
            for called in (name, f"{name}-2025-08-07", f"{name}-2026-12-31", f"{name}-latest"):
                rule = next(each for each in longest if re.match(f"{each['pattern'].replace('%', '.*')}$", called))
                assert [rule[kind] for kind in PRICED] == [model[kind] for kind in PRICED], (called, rule["pattern"])


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
    found = restarted_with(patched_sidecar, "gpt-5.5%", 77)
    assert found["gpt-5.5%"]["input_per_mtok"] == 77
    assert found["gpt-5.4%"]["input_per_mtok"] == 2.5


@pytest.mark.parametrize("pattern", ["gpt-%", "%"])
def test_a_rule_of_the_users_own_that_covers_a_model_is_not_overridden(patched_sidecar: Sidecar, pattern: str) -> None:
    found = restarted_with(patched_sidecar, pattern, 77)
    ours = {each["pattern"] for each in MODELS if pattern == "gpt-%" and not each["pattern"].startswith("gpt-")}
    assert found.keys() == ours | CLAUDE | {pattern}


OWN = {
    "gpt-5": 1.25,
    "gpt-5-2025-08-07": 1.25,
    "gpt-5-latest": 1.25,
    "gpt-5-chat-latest": 1.25,
    "gpt-5-codex": 1.25,
    "gpt-5.1-codex-max": 1.25,
    "gpt-5.1-codex-mini": 0.25,
    "gpt-5-mini": 0.25,
    "gpt-5.2-codex-2026-01-14": 1.75,
    "gpt-5.3-codex": 1.75,
    "gpt-5.6": 4,
    "gpt-6-sol": 2,
    "codex-mini-latest": 1.5,
    "o3": 2,
    "o4-mini": 1.1,
    "gpt-4o-2024-05-13": 5,
}
FAMILY = {
    "gpt-5.9": (1.25, "GPT-5 (gpt-5%)"),
    "gpt-5.9-2027-01-01": (1.25, "GPT-5 (gpt-5%)"),
    "gpt-5-mini-high": (0.25, "GPT-5 Mini (gpt-5-mini%)"),
    "gpt-5.3-codex-spark": (1.75, "GPT-5.3 (gpt-5.3%)"),
    "gpt-5.5-2026-04": (5, "GPT-5.5 (gpt-5.5%)"),
    "o3-deep-research": (2, "o3 (o3%)"),
    "o33": (2, "o3 (o3%)"),
}
UNKNOWN = ["gpt-9", "openai/gpt-5", "GPT-5", " gpt-5", "o5", "qwen3-coder-plus", "gemini-2.5-pro", "unknown"]


def test_a_model_whose_own_price_is_not_known_is_named_and_costs_what_its_family_does(patched_sidecar: Sidecar) -> None:
    use(patched_sidecar, *OWN, *FAMILY, *UNKNOWN)
    cost = patched_sidecar.get("/api/pricing/cost/used")
    found = {each["model"]: each["cost"] for each in cost["breakdown"]}
    assert found == OWN | {model: price for model, (price, _) in FAMILY.items()} | dict.fromkeys(UNKNOWN, 0)
    family = {model: f"no price of its own: that of {rule} is used" for model, (_, rule) in FAMILY.items()}
    assert reasons(patched_sidecar) == family | dict.fromkeys(UNKNOWN, "no rule: its tokens are in no cost")
    line = "no price for the model gpt-5.9: no price of its own: that of GPT-5 (gpt-5%) is used; add a rule in the settings"
    assert patched_sidecar.log().count(line) == 1


def test_a_rule_of_the_users_own_is_the_price_of_what_it_fits(patched_sidecar: Sidecar) -> None:
    use(patched_sidecar, "gpt-5.9", "gpt-5.8", "o3-deep-research")
    set_rule(patched_sidecar, "gpt-5.9%", 7)  # of its own
    set_rule(patched_sidecar, "o3%", 9)  # ours, changed
    cost = patched_sidecar.get("/api/pricing/cost/used")
    assert [each["cost"] for each in cost["breakdown"]] == [1.25, 7, 9]
    assert reasons(patched_sidecar).keys() == {"gpt-5.8"}


@pytest.mark.parametrize("pattern", ["gpt-(%", "[", "*", None, b"gpt-5.5%"])
def test_a_rule_that_is_no_pattern_stops_nothing(patched_sidecar: Sidecar, pattern: Any) -> None:
    use(patched_sidecar, "gpt-5.5")
    set_rule(patched_sidecar, pattern, 77)
    restart(patched_sidecar)
    assert totals(patched_sidecar) == [5, 5, 5, 5]
    assert patched_sidecar.log().count("a price rule is not used: expected a pattern and prices from 0 to") == 1


@pytest.mark.parametrize("price", ["NaN", "abc", "", -1, -1e-9, 1e300, float("inf"), b"5"])
def test_a_rule_whose_price_is_no_price_stops_nothing(patched_sidecar: Sidecar, price: Any) -> None:
    use(patched_sidecar, "gpt-5.5", "claude-haiku-4-5")
    set_rule(patched_sidecar, "gpt-5.5%", price)
    restart(patched_sidecar)
    assert totals(patched_sidecar) == [2.25, 2.25, 2.25, 2.25]  # the family's rule is left: 1.25 and 1
    assert reasons(patched_sidecar) == {"gpt-5.5": "no price of its own: that of GPT-5 (gpt-5%) is used"}
    assert patched_sidecar.log().count("a price rule is not used: expected a pattern and prices from 0 to 1000000") == 1


def restart(sidecar: Sidecar) -> None:
    sidecar.stop()
    sidecar.start()


def totals(sidecar: Sidecar) -> list[float]:
    """The cost of the one session, of all, in the list, and in analytics."""
    [listed] = sidecar.get("/api/sessions")["sessions"]
    paths = ("/api/pricing/cost/used", "/api/pricing/cost", "/api/analytics")
    return [listed["cost"], *(sidecar.get(path)["total_cost"] for path in paths)]


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
    use(patched_sidecar, "kestrel-9", tokens=10)
    use(patched_sidecar, "nothing-used", tokens=0)
    for _ in range(2):
        for path in ("/api/pricing/cost/used", "/api/pricing/cost"):
            cost = patched_sidecar.get(path)
            assert [each["model"] for each in cost["unpriced_models"]] == ["kestrel-9"]
            assert cost["unpriced_models"][0]["input_tokens"] == 10 and cost["total_cost"] == 0
    assert patched_sidecar.log().count("no price for the model kestrel-9") == 1
