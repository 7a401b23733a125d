#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2
#
# A cell's entropy device, by Debian's own driver: random numbers, no more than
# its rate of them, over the death of its backend, too. And its clock: root's.
. ./cell.sh
. ./features.sh

# entropy: 32 bytes of the guest's /dev/hwrng
entropy() {
	cell_run cell1 30 "dd if=/dev/hwrng bs=32 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo"
}

before=$(snapshot)
jq '.name = "random" | .devices += [ { "type": "rng", "name": "rng0", "rate": 4096 },
	{ "type": "rng", "name": "rng1", "features": { "event_idx": false, "indirect_desc": false } },
	{ "type": "rng", "name": "rng2", "features": { "event_idx": false } },
	{ "type": "rng", "name": "rng3", "features": { "indirect_desc": false } },
	{ "type": "rtc", "name": "rtc0" } ]' \
	/etc/shyper/cells/small.json >random.json
shyper cell create ./random.json || fail "create"
shyper cell start random || fail "start"
console_open cell1
cell_login cell1 120
expect 'rng_current' "$(cell_run cell1 30 'cat /sys/class/misc/hw_random/rng_current')" virtio_rng.0
first=$(entropy) second=$(entropy)
expect 'length' "${#first} ${#second}" '64 64'
[ "$first" != "$second" ] || fail "the same bytes twice"
[ "$(sys cell1.rng0/read_bytes)" -ge 64 ] || fail "not from the backend: $(sys cell1.rng0/read_bytes) bytes"
echo "ok entropy"

# The guest's kernel takes its part, too: 8 KiB cannot come in less than a second.
expect 'time for 8 KiB' "$(cell_run cell1 60 'read a b </proc/uptime; dd if=/dev/hwrng of=/x bs=512 count=16 2>/dev/null;
read c b </proc/uptime; set -- $(wc -c </x); echo $1 $(( ${c%.*}${c#*.} - ${a%.*}${a#*.} >= 100 ))')" '8192 1'
echo "ok rate"

# It has the time of its boot from there, and reads the clock itself.
expect 'rtc' "$(cell_run cell1 30 'read -r name _ </sys/class/rtc/rtc0/name; echo $name $(cat /sys/class/rtc/rtc0/hctosys)')" 'rtc-pl031 1'
early=$(date +%s)
set -- $(cell_run cell1 30 'cat /sys/class/rtc/rtc0/since_epoch; date +%s')
late=$(date +%s)
for seconds; do
	[ "$seconds" -ge $((early - 5)) ] && [ "$seconds" -le $((late + 5)) ] ||
		fail "the cell's time is $seconds, root's $early to $late"
done
echo "ok time-of-day"

pid=$(sys cell1.rng0/backend_pid)
cell_post cell1 'dd if=/dev/hwrng bs=64 count=64 2>/dev/null | wc -c'
sleep 0.5
kill -KILL "$pid"
wait_until 20 backend_is_another cell1.rng0 "$pid"
expect 'bytes over a death' "$(cell_result cell1 60)" 4096
echo "ok death"

# All features, none, and each alone: the bits 28, INDIRECT_DESC, and 29, EVENT_IDX.
# No request of this driver needs a table.
bit=([event_idx]=29)
features=(0x130000000 0x100000000 0x110000000 0x120000000)
memory_open cell1
for n in 0 1 2 3; do
	device=cell1.rng$n
	expect "$device" "$(sys $device/features) $(sys $device/driver_features)" \
		"${features[n]} ${features[n]}"
	had=$(sys $device/read_bytes)
	expect "bytes of $device" "$(cell_run cell1 60 "echo virtio_rng.$n >/sys/class/misc/hw_random/rng_current
dd if=/dev/hwrng bs=64 count=8 2>/dev/null | wc -c")" 512
	echo "$device: offered and taken ${features[n]}, $(($(sys $device/read_bytes) - had)) bytes"
	[ "$(sys $device/read_bytes)" -gt "$had" ] || fail "$device was not asked"
	used_alike $device "${features[n]}" event_idx has_event $device 0
done
echo "ok features"

console_close cell1
shyper cell destroy random >/dev/null || fail "destroy"
unchanged "$before"
