"""Programs of Debian, both ends under the shim. Payloads are compared by checksum, whatever differs from run to run is
left out of what a test sees."""

from ..lib.suite import Suite
from . import nginx

SUITES: tuple[Suite, ...] = (nginx.SUITE,)
