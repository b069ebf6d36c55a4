"""The recipes of `patcher/patches/README.md`, each as it stands there."""

import json
import re
import shutil
from pathlib import Path

import pytest

from patcher.resources import BUILTIN_SIDECAR
from tests.support import ROOT, CommandLine

README = (ROOT / "patcher/patches/README.md").read_text()
RECIPES = dict(re.findall(r"^### (\d+)\. .*?\n(.*?)(?=^### )", README, re.MULTILINE | re.DOTALL))


def blocks(number: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", RECIPES[number], re.MULTILINE | re.DOTALL)


def series_of(folder: Path, number: str) -> str:
    """A series with the one patch of a recipe."""
    [declared] = blocks(number, "python")
    (folder / "patches").mkdir(parents=True)
    fields = ", ".join(f"{name}={name}" for name in re.findall(r"^(\w+) = ", declared, re.MULTILINE))
    patch = f'PATCH = Patch(id="recipe_{number}", summary="Follows a recipe.", {fields})\n'
    (folder / "patches/recipe.py").write_text(f"from patcher.model import *\n\n{declared}\n{patch}")
    templates = re.findall(r'template="([^"]+)"', declared)
    for name, text in zip(templates, blocks(number, "js"), strict=True):
        (folder / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "templates" / name).write_text(text)
    contracts = re.findall(r'contracts = \("(\w+)",\)', declared)
    head = "from patcher import Series\nfrom .patches import recipe\n"
    if contracts:
        (folder / "contracts").mkdir()
        (folder / "contracts/motd.py").write_text(blocks("10", "python")[0])
        head += "from .contracts import motd\n"
    more = ", contracts=(motd.CONTRACT,)" if contracts else ""
    (folder / "series.py").write_text(f'{head}SERIES = Series("recipes", patches=(recipe.PATCH,){more})\n')
    return str(folder)


def test_there_are_ten() -> None:
    assert list(RECIPES) == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("number", [str(number) for number in range(1, 10)])
def test_a_recipe_builds(number: str, tmp_path: Path, cli: CommandLine) -> None:
    upstream = Path(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))
    package = json.loads((upstream / "package.json").read_text())
    (upstream / "package.json").write_text(json.dumps({**package, "dependencies": {"express": "^4.0.0"}}))
    directory = series_of(tmp_path / "recipes", number)
    options = ["--upstream", str(upstream), "--series", "codex", "--series", directory]
    sites = [f"recipe_{number}.{name}" for name in re.findall(r'name="(\w+)"', RECIPES[number])]
    if sites:
        assert cli("check", *options).code == 3
        pinned = cli("pin", *sites, *options, "--write")
        assert pinned.code == 0, pinned
    checked = cli("check", *options, "--format", "json")
    content = json.loads(checked.out)
    assert (checked.code, content["errors"]) == (0, [])
    assert {each["id"]: each["verdict"] for each in content["patches"]}[f"recipe_{number}"] == "exact"
    changed = cli("diff", f"recipe_{number}", *options).out
    added = {line[1:].strip() for line in changed.splitlines() if line.startswith("+")}
    wanted = {line for text in blocks(number, "js") for line in text.splitlines() if "/*" not in line}
    assert wanted <= added


def test_the_contract_of_a_recipe_is_red_and_green(tmp_path: Path, cli: CommandLine) -> None:
    directory = series_of(tmp_path / "recipes", "6")
    assert cli("pin", "recipe_6.route", "--series", directory, "--write").code == 0
    ended = cli("prove", "--series", directory, "--format", "json")
    [contract] = json.loads(ended.out)["contracts"]
    assert (ended.code, contract["ok"], contract["pristine"]["green"]) == (0, True, False)
