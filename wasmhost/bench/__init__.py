"""What a delivery costs, beside what else it could cost: measured in one run, on this machine.

Absolute times are this machine's, now; the ratios are what to compare. Every subject is measured in
short rounds, all subjects in turn, and its best round counts: so a machine that slows down for a
while slows all of them, and noise, which only ever adds, falls away.
"""

from wasmhost.bench.figures import Figures, Row
from wasmhost.bench.run import run_bench

__all__ = ["Figures", "Row", "run_bench"]
