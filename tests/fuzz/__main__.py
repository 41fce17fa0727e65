"""Try random input on one part of the bot until the time is up.

    python -m tests.fuzz TARGET [--seconds 600] [--seed N] [--case N]

A target is a module `fuzz_TARGET.py` beside this file, with `try_one(random: Random) -> None`, which makes one input
from `random`, runs the part on it and asserts what must hold. Each case has a seed of its own, so that `--seed S
--case N` repeats exactly one. A case that takes over 20 s ends the process with a stack and status 1; one that lets
the process's memory grow past the bound fails as one that raises.
"""

import argparse
import faulthandler
import importlib
import random
import resource
import sys
import time
import traceback
from pathlib import Path

LONGEST_CASE_S = 20
WARM_UP_CASES = 50
MOST_GROWTH_MIB = 400


def targets() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.py"))


def peak_mib() -> float:
    """Return the most memory this process ever had resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(target: str, *, seconds: float, seed: int, only: int | None = None) -> int:
    """Try cases until the time is up; print a summary and return the exit status: 1 after the first failure."""
    module = importlib.import_module(f"tests.fuzz.fuzz_{target}")
    end = time.monotonic() + seconds
    case = only or 0
    base_mib = peak_mib()
    while only is not None or time.monotonic() < end:
        faulthandler.dump_traceback_later(LONGEST_CASE_S, exit=True)
        try:
            module.try_one(random.Random(f"{seed}:{case}"))
            if case == WARM_UP_CASES:
                base_mib = peak_mib()
            assert peak_mib() - base_mib < MOST_GROWTH_MIB or case < WARM_UP_CASES, "memory grew past the bound"
        except Exception:
            traceback.print_exc()
            print(f"{target}: failed; repeat with: python -m tests.fuzz {target} --seed {seed} --case {case}")
            return 1
        finally:
            faulthandler.cancel_dump_traceback_later()
        case += 1
        if only is not None:
            break
    print(f"{target}: {case} cases passed, seed {seed}")
    return 0


def main() -> int:
    """Run the target named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Try random input on a part of the bot.")
    parser.add_argument("target", choices=targets())
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--case", type=int)
    chosen = parser.parse_args()
    return run(chosen.target, seconds=chosen.seconds, seed=chosen.seed, only=chosen.case)


if __name__ == "__main__":
    sys.exit(main())
