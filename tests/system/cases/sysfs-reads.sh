#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 400
#
# A thousand looks at a cell's page by an unprivileged user while fio runs in
# the cell all succeed; with the cells idle they cost root no hypercall and no
# exit to an emulated page.
. ./cell.sh

shyper cell create debian >/dev/null || fail "create"
shyper cell start debian >/dev/null || fail "start"
console_open cell1
cell_login cell1 240
echo "at the prompt after $SECONDS s"

# look COUNT: that many times, by nobody, fifty times in one process, since to start
# one is dear here; how often it went well.
look() {
	# shellcheck disable=SC2016 # for the other shell
	setpriv --reuid nobody --regid nogroup --clear-groups bash -c '
		files=() n=0
		for _ in {1..50}; do
			files+=(/sys/class/hvisor/cell1/virtio/*)
		done
		for _ in $(seq $(($1 / 50))); do
			cat "${files[@]}" >/dev/null && n=$((n + 50))
		done
		echo $n' look "$1"
}

# At a rate that leaves the looks a share of the one thread of the emulator.
fio='fio --name=v --filename=/root/fio --size=16M --iodepth=16 --ioengine=libaio --direct=1 --rw=randwrite --rate_iops=300 --bs=4k --verify=crc32c --time_based --runtime=600 --minimal >/tmp/fio.log 2>&1'
cell_run cell1 60 "($fio &) ; while [ ! -s /root/fio ]; do sleep 0.2; done" >/dev/null ||
	fail "fio does not start"
requests=$(sys cell1.blk0/requests)
expect "looks that succeeded" "$(look 1000)" 1000
echo "1000 looks after $SECONDS s"
more=$(($(sys cell1.blk0/requests) - requests))
echo "$more requests of fio meanwhile"
[ $more -gt 50 ] || fail "fio did not run meanwhile"
# Only the first of them is told to end: what it makes of the signal takes locks, which
# a job may just hold. Terse: version, fio, job, group, error.
cell_run cell1 120 'pkill -o fio; while pgrep fio >/dev/null; do sleep 0.2; done
	cut -d";" -f1-5 /tmp/fio.log; grep -q ";v;0;0;" /tmp/fio.log' || fail "fio"
echo "ok under-fio"

costs() {
	cat /sys/class/hvisor/cell0/statistics/vmexits_{hypercall,mmio} | xargs
}

# Root is never quite idle: windows in which nothing else happened tell.
free_of_cost() {
	local before
	before=$(costs)
	expect "looks that succeeded" "$(look 200)" 200
	echo "hypercalls, exits to emulated pages: $before, then $(costs)"
	[ "$(costs)" = "$before" ]
}

sleep 2
tries=15 free=0
while [ $free -lt 1000 ]; do
	! free_of_cost || free=$((free + 200))
	tries=$((tries - 1))
	[ $tries -gt 0 ] || fail "looks cost hypercalls or exits: only $free did not"
done
before=$(costs)
shyper cell stop debian >/dev/null || fail "stop"
[ "$(costs | cut -d' ' -f1)" -gt "${before% *}" ] || fail "hypercalls are not counted"
echo "ok idle"
