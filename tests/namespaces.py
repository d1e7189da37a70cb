"""Namespaces in which a process has the rights of root.

The process can mount, lower limits of the kernel, and listen at the ports of web servers.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import need

ROOT = Path(__file__).parents[1]


def in_a_namespace(code: str, *arguments: str) -> str:
    """Run Python code as root of new namespaces; return the output.

    No interface is up in the new network.
    """
    unshare = [need("unshare"), "--user", "--map-root-user", "--mount", "--net"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this system has no namespaces for its users")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
