"""Other people's test suites, run natively and under the shim, and compared test by test.

A suite is a module of this package (or a package, for several that share a subject) with the name `SUITE`, a `Suite`, or
`SUITES`, several of them. `scripts/suites.sh` runs them; what a suite has to provide is said in `lib/suite.py`.
"""

# The modules, in the order in which they run and are reported.
MODULES = (
    "cpython",
    "trio",
    "gevent",
    "tornado",
    "twisted",
    "socat",
    "redis_tcl",
    "programs",
)
