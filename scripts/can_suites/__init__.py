"""Other people's programs on a CAN bus; scripts/can-suites.sh says more."""
