ip link set lo up
"$@"
