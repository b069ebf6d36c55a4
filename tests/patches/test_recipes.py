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


CONTRACT = "14"
LANGUAGES = {"11": "json", "12": "css"}
"""Of the templates of a recipe that is not for a program."""
STYLE_SHEET = ".page {\n  width: 60rem;\n}\n"


def blocks(number: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", RECIPES[number], re.MULTILINE | re.DOTALL)


def payloads_of(number: str) -> list[str]:
    return blocks(number, LANGUAGES.get(number, "js"))


def series_of(folder: Path, number: str) -> str:
    """A series with the one patch of a recipe."""
    [declared] = blocks(number, "python")
    (folder / "patches").mkdir(parents=True)
    fields = ", ".join(f"{name}={name}" for name in re.findall(r"^(\w+) = ", declared, re.MULTILINE))
    patch = f'PATCH = Patch(id="recipe_{number}", summary="Follows a recipe.", {fields})\n'
    (folder / "patches/recipe.py").write_text(f"from patcher.model import *\n\n{declared}\n{patch}")
    templates = re.findall(r'template="([^"]+)"', declared)
    for name, text in zip(templates, payloads_of(number), strict=True):
        (folder / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "templates" / name).write_text(text)
    contracts = re.findall(r'contracts = \("(\w+)",\)', declared)
    head = "from patcher import Series\nfrom .patches import recipe\n"
    if contracts:
        (folder / "contracts").mkdir()
        (folder / "contracts/motd.py").write_text(blocks(CONTRACT, "python")[0])
        head += "from .contracts import motd\n"
    more = ", contracts=(motd.CONTRACT,)" if contracts else ""
    patches = "client_patches" if 'file="client/' in declared else "patches"
    (folder / "series.py").write_text(f'{head}SERIES = Series("recipes", {patches}=(recipe.PATCH,){more})\n')
    return str(folder)


def test_there_are_fourteen() -> None:
    assert list(RECIPES) == [str(number) for number in range(1, 15)]


@pytest.mark.parametrize("number", [number for number in RECIPES if number != CONTRACT])
def test_a_recipe_builds(number: str, tmp_path: Path, cli: CommandLine) -> None:
    upstream = Path(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))
    package = json.loads((upstream / "package.json").read_text())
    (upstream / "package.json").write_text(json.dumps({**package, "dependencies": {"express": "^4.0.0"}}))
    (upstream / "client/src/index.css").write_text(STYLE_SHEET)
    directory = series_of(tmp_path / "recipes", number)
    client = ["--client"] if number == "12" else []
    options = ["--upstream", str(upstream), "--series", "codex", "--series", directory, *client]
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
    added = "".join(line[1:] for line in changed.splitlines(keepends=True) if line.startswith("+"))
    lines = [line for text in payloads_of(number) for line in text.splitlines()]
    assert lines and [line for line in lines if line.partition("/*")[0].strip().rstrip(",") not in added] == []


def test_the_contract_of_a_recipe_is_red_and_green(tmp_path: Path, cli: CommandLine) -> None:
    directory = series_of(tmp_path / "recipes", "6")
    assert cli("pin", "recipe_6.route", "--series", directory, "--write").code == 0
    ended = cli("prove", "--series", directory, "--format", "json")
    [contract] = json.loads(ended.out)["contracts"]
    assert (ended.code, contract["ok"], contract["pristine"]["green"]) == (0, True, False)
