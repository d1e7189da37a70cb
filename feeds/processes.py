"""Processes that are there for another one, and end with it.

Killed, a server was seen to leave its workers behind, which kept its port, and a refresh its
readers, which waited for their next file for ever.
"""

import os
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """End this process when the one that started it does; nothing where nobody did."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
