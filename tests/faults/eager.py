"""``python -m faults.eager MODULE ...``: a program of Chartly's that commits as soon as it can.

A batch that waits for others would leave few commits for a kill to come between.
"""

import runpy
import sys

from chartly_loader import page_intake

if __name__ == "__main__":
    page_intake.BATCH_SECONDS = 0.05
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
