"""An in-memory trusted pool behind the Runner seam: argv in, XML out, and an error on any command it does not know.

tests/unit/test_fake_pool.py holds its answers against captured ones of a real pool (tests/data/gluster-11.1).
"""

from tests.unit.fake_pool.model import FakeBrick, FakeCluster, FakePeer, FakeVolume, UnknownCommand
from tests.unit.fake_pool.pool import FakePool

__all__ = ["FakeBrick", "FakeCluster", "FakePeer", "FakePool", "FakeVolume", "UnknownCommand"]
