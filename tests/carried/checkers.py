"""The paths of the two checkers in a bundle, and `verify.py` as a module."""

import argparse
import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

CARRIED = Path(__file__).parents[2] / "src" / "sabal" / "checking" / "carried"
VERIFY, PAGE = CARRIED / "verify.py", CARRIED / "check.html"
NUMBERS = ("size", "root", "signed", "counted", "withdrawn", "invalidated", "closed", "shown", "matched")
NOTHING_KEPT = argparse.Namespace(checkpoint=[], promise=[], proof=[], log=None, witness=[], at=0)


@functools.cache
def load() -> Any:
    """Return `verify.py` as a module that calls openssl only once for each signature."""
    spec = importlib.util.spec_from_file_location("carried_verify", VERIFY)
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.openssl_accepts = functools.cache(module.openssl_accepts)
    return module
