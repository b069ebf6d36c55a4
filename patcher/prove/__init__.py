"""Contracts: observed on real sidecars, they must be red on the pristine tree and green on the patched one."""

from patcher.node.find import Node, find_node
from patcher.node.install import dependencies_for
from patcher.node.npm import default_cache
from patcher.prove.browser import find_browser
from patcher.prove.contract import Contract, Observation, ProofResult, TestBed, both_beds, observe, prove
from patcher.prove.contracts import CLIENT_CONTRACTS, CONTRACTS
from patcher.prove.directories import lay_out
from patcher.prove.sidecar import NotSeen, Sidecar, SidecarFailed

__all__ = [
    "CLIENT_CONTRACTS",
    "CONTRACTS",
    "Contract",
    "Node",
    "NotSeen",
    "Observation",
    "ProofResult",
    "Sidecar",
    "SidecarFailed",
    "TestBed",
    "both_beds",
    "default_cache",
    "dependencies_for",
    "find_browser",
    "find_node",
    "lay_out",
    "observe",
    "prove",
]
