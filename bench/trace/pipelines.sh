#!/bin/sh
# Starts many short programs, and now and then one that uses the network: pipelines.sh URL COUNT
i=0
while [ "$i" -lt "$2" ]; do
	sh -c 'true | cat'
	[ $((i % 15)) -ne 0 ] || curl --silent --noproxy '*' --output /dev/null "$1"
	i=$((i + 1))
done
