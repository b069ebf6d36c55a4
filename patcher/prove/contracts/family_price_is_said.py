"""Where upstream prices Codex itself, a model that only the rule of its family fits is named (v2.0.0 and later)."""

from patcher import model
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.contracts.codex_session_has_its_cost import written_session
from patcher.prove.sidecar import eventually

_PATIENCE = 5.0
_TOKENS = (80_000, 120_000, 0, 30_000)
_OWN = ("gpt-5-2025-08-07", "gpt-5-codex", "gpt-5.5")
_FAMILY = {"gpt-5.9-kestrel": "GPT-5 (gpt-5%)", "gpt-5.1-codex-mini": "GPT-5.1 (gpt-5.1%)"}
_UNKNOWN = "kestrel-9"
_USERS = "gpt-5.8-kestrel"


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        rule = {"model_pattern": f"{_USERS}%", "display_name": "the user's", "short_input_per_mtok": 3}
        sidecar.request("PUT", "/api/pricing/gpt", rule)
        models = (*_OWN, *_FAMILY, _USERS, _UNKNOWN)
        sessions = {each: written_session(bed, sidecar, each, _TOKENS) for each in models}

        def costs() -> dict[str, dict[str, str | None]]:
            """The named models with the reason, of each session and of all (by an empty name)."""
            paths = {"": "", **{each: f"/{session}" for each, session in sessions.items()}}
            replies = {each: sidecar.request("GET", f"/api/pricing/cost{path}") for each, path in paths.items()}
            return {
                each: {row["model"]: row.get("reason") for row in reply.json["unpriced_models"]}
                for each, reply in replies.items()
                if reply.status == 200 and reply.json["breakdown"]
            }

        eventually(lambda: len(costs()) == 1 + len(models), _PATIENCE)
        named = costs()
        total = named.pop("")
    reasons = {each: f"no price of its own: that of {rule} is used" for each, rule in _FAMILY.items()}
    found = {each: each in named.get(each, {}) and each in total for each in models}
    expected = {each: each in _FAMILY or each == _UNKNOWN for each in models}
    said = {each: reason for each, reason in total.items() if each in _FAMILY}
    shown = ", ".join(f"{each} is {'named' if is_named else 'not named'}" for each, is_named in found.items())
    return Observation(green=found == expected and said == reasons, said=shown)


CONTRACT = Contract(
    id="family_price_is_said",
    summary="A Codex model without a price of its own is named, although the rule of its family prices it.",
    patches=("family_prices",),
    observe=_observe,
    line=model.Line.V2,
)
