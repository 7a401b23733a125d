# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# fio in a cell, which verifies what it has written, while something happens to
# the disk. Sourced by cases in root behind cell.sh.

# fio_start CELL OPTION...: each write is verified, until fio_end
fio_start() {
	local cell=$1
	shift
	cell_run "$cell" 30 "fio --name=v $* --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --time_based --runtime=500 \
--verify=crc32c --verify_backlog=64 --verify_fatal=1 --minimal >/tmp/fio.log 2>&1 & :" >/dev/null
}

# fio_end CELL JOBS: it found no error in any of its jobs
fio_end() {
	local out jobs
	# The fifth field of a job's line is its error; a signal makes the status 128.
	out=$(cell_run "$1" 120 'kill -INT $!; wait $!; echo status $?; grep -ac verify: /tmp/fio.log;
grep -a "^3;" /tmp/fio.log | cut -d";" -f3,5') || true
	jobs=$(printf 'v;0 %.0s' $(seq "$2"))
	expect "fio" "$(tail -n $((2 + $2)) <<<"$out" | tr '\n' ' ')" "status 128 0 $jobs"
}
