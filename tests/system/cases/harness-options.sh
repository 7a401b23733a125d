#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# root-run's machine is the one that its options ask for, and it starts in
# seconds when there is a snapshot of it.
. tests/system/lib/check.sh
work=$(mktemp -d)
job=''
trap '[ -z "$job" ] || kill $job; wait; rm -rf "$work"' EXIT

cat >"$work/machine" <<-'EOF'
	nproc --all
	sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
	[ "$(cat /sys/class/hvisor/cell0/state)" = running ] || exit 3
	systemctl show-environment | grep -x 'SHYPER_POLL=.*'
	sleep 200
EOF
cat >"$work/busy" <<-'EOF'
	for _ in 1 2 3 4; do
		sh -c 'while :; do :; done' &
	done
	echo busy
	sleep 1000
EOF

# qemu_of PID: the QEMU that it has started
qemu_of() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		! grep -q '^qemu' "/proc/$child/comm" || echo "$child"
	done
}

# busy_threads OPTION...: of QEMU, while each CPU of root is busy
busy_threads() {
	# What it said the last time is no sign of life.
	: >"$work/out"
	"$root_run" "$@" "$work/busy" >"$work/out" 2>"$work/err" &
	job=$!
	wait_until 300 grep -q busy "$work/out"
	for n in 1 2; do
		# The name of a thread may have blanks in it.
		sed 's/(.*)/-/' "/proc/$(qemu_of $job)"/task/*/stat |
			awk '{ print $1, $14 }' >"$work/times$n"
		sleep 4
	done
	kill $job
	wait $job
	job=''
	rm -r "$(sed -n 's/^root-run: logs: //p' "$work/err")"
	# Those that serve CPUs are busy alike; the others have little to do.
	threads=$(join "$work/times1" "$work/times2" | awk '
		{ ticks[NR] = $3 - $2; if (ticks[NR] > most) most = ticks[NR] }
		END { for (n in ticks) busy += ticks[n] > most / 4; print busy + 0 }')
}

busy_threads --mttcg
expect_eq "threads that serve CPUs with --mttcg" 4 "$threads"
busy_threads
expect_eq "threads that serve CPUs" 1 "$threads"
echo "ok mttcg"

# Of 1 GiB root's kernel keeps some. Time follows the instructions: where there
# are none it passes at once.
machine() {
	"$root_run" --cpus 2 --mem 1024 --icount "$work/machine" >"$work/out" || fail "root-run"
}
machine
expect_eq CPUs 2 "$(sed -n 1p "$work/out")"
kib=$(sed -n 2p "$work/out")
[ "$kib" -gt 900000 ] && [ "$kib" -lt 1048576 ] || fail "$kib KiB of 1 GiB"
echo "ok size"
start=$SECONDS
machine
took=$((SECONDS - start))
echo "200 s of root, from a snapshot, took $took s"
[ $took -lt 100 ] || fail "that took $took s"
expect_eq "whether backends poll" SHYPER_POLL=0 "$(sed -n 3p "$work/out")"
echo "ok icount"

start=$SECONDS
echo : >"$work/nothing"
"$root_run" "$work/nothing" || fail "nothing"
took=$((SECONDS - start))
echo "nothing, from a snapshot, took $took s"
[ $took -lt 60 ] || fail "no start in seconds"
echo "ok snapshot"

mkdir "$work/other"
cp "$work/machine" "$work/other"
status=0
"$root_run" --put "$work/other/machine" "$work/machine" 2>"$work/err" || status=$?
expect_eq "status with two files of one name" 2 "$status"
grep -q '/root/machine$' "$work/err" || fail "it does not say which: $(cat "$work/err")"
