"""Whatever happens to a ledger, no counter of it falls, and all replicas tell the same."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests_exporters import Build, Seen
