"""Programs of Debian, both ends under the shim. Payloads are compared by checksum, whatever differs from run to run is
left out of what a test sees."""

from ..lib.suite import Suite
from . import (
    dnsmasq,
    haproxy,
    lighttpd,
    measure,
    memcached,
    netcat,
    nginx,
    openssl,
    postgresql,
    python,
    redis,
    relay,
    ssh,
    static,
)

SUITES: tuple[Suite, ...] = (
    nginx.SUITE,
    lighttpd.SUITE,
    haproxy.SUITE,
    redis.SUITE,
    memcached.SUITE,
    postgresql.SUITE,
    ssh.SUITE,
    dnsmasq.SUITE,
    *netcat.SUITES,
    relay.SUITE,
    *measure.SUITES,
    openssl.SUITE,
    python.SUITE,
    static.SUITE,
)
