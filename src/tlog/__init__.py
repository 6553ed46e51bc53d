"""The formats of public logs: C2SP's tlog family, and the entries of a petition's log.

The package uses no clock, no files and no network. It parses input strictly and raises only TlogError. Each module is
named after the format that it reads and writes. Use `note`, `checkpoint` and `entry` by their module names, because
their functions have short names such as `open` and `parse`. docs/log-format.md describes the bytes.
"""

from tlog import checkpoint, entry, note
from tlog.checkpoint import Checkpoint
from tlog.errors import Malformed, OutOfOrder, TlogError, Unproven
from tlog.keys import Cosigner, Signer, Verifier, cosigned_at
from tlog.merkle import EMPTY_ROOT, Frontier, leaf_hash, leaf_hashes, root, root_of_entries, tree_root
from tlog.note import Signature
from tlog.policy import Policy
from tlog.promise import Promise, promise_key
from tlog.proof import Proof
from tlog.prove import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from tlog.tally import Tally, first_repeat
from tlog.tiles import HashReader, Tile, decode_bundle, encode_bundle, grow, new_bundles, new_tiles
from tlog.witness import AddCheckpoint, cosign, encode_answer, parse_answer, parse_conflict

__all__ = [
    "EMPTY_ROOT",
    "AddCheckpoint",
    "Checkpoint",
    "Cosigner",
    "Frontier",
    "HashReader",
    "Malformed",
    "OutOfOrder",
    "Policy",
    "Promise",
    "Proof",
    "Signature",
    "Signer",
    "Tally",
    "Tile",
    "TlogError",
    "Unproven",
    "Verifier",
    "checkpoint",
    "consistency_proof",
    "cosign",
    "cosigned_at",
    "decode_bundle",
    "encode_answer",
    "encode_bundle",
    "entry",
    "first_repeat",
    "grow",
    "inclusion_proof",
    "leaf_hash",
    "leaf_hashes",
    "new_bundles",
    "new_tiles",
    "note",
    "parse_answer",
    "parse_conflict",
    "promise_key",
    "root",
    "root_of_entries",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]
