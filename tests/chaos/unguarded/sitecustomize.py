"""Loaded by the processes of a node of `run.py --unguarded NAME`, and by nothing else: switches that guard off (switches.py)."""

import os

from switches import OFF

OFF[os.environ["PENSTOCK_UNGUARDED"]]()
