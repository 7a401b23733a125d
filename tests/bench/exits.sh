#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In root, under -icount: what booting root and a cell costs, and which exits an idle
# cell, disk and console have. A nanosecond of the clock is an instruction of one CPU;
# what waits for a disk of the host is not exact, for the clock goes on meanwhile.
. ./cell.sh

reasons='total mmio management hypercall maintenance virt_irq virt_sgi psci smccc sysreg other'

stats() {
	local reason
	for reason in $reasons; do
		sys "$1/statistics/vmexits_$reason"
	done | tr '\n' ' '
}

# row NAME CELL "BEFORE": what has been added since, as a line of the table.
row() {
	local -a before=($3) after=($(stats "$2"))
	local i
	printf '| %s | %s |' "$1" "$4"
	for i in "${!after[@]}"; do
		printf ' %s |' $((after[i] - before[i]))
	done
	echo
}

now() {
	cut -d' ' -f1 /proc/uptime
}

took() {
	awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'
}

zero='0 0 0 0 0 0 0 0 0 0 0'
echo "| what | virtual s | ${reasons// / | } |"
echo "|---|---|$(sed 's/[a-z_]* */---|/g' <<<"$reasons")"
row 'root, power-on to normal state' cell0 "$zero" \
	"$(systemctl show -P ActiveEnterTimestampMonotonic multi-user.target |
		awk '{ printf "%.2f", $1 / 1e6 }')"

start=$(now)
shyper cell create small >/dev/null || fail create
created=$(took "$start")
start=$(now)
shyper cell start small >/dev/null || fail start
console_open cell1
console_expect cell1 60 'cell# '
row 'Linux in a small cell, start to prompt' cell1 "$zero" "$(took "$start")"
sleep 1
before=$(stats cell1)
sleep 10
row 'the same, idle for 10 s' cell1 "$before" 10
console_close cell1
start=$(now)
shyper cell destroy small >/dev/null || fail destroy
destroyed=$(took "$start")

shyper cell create debian >/dev/null || fail create
start=$(now)
shyper cell start debian >/dev/null || fail start
console_open cell1
cell_login cell1 200
row 'Debian from its disk, start to login' cell1 "$zero" "$(took "$start")"
for job in 'read 64 reads of 1 MiB:if=/dev/vda of=/dev/null iflag=direct' \
	'write 64 writes of 1 MiB:if=/dev/zero of=/root/x oflag=direct'; do
	name=${job%%:*} options=${job#*:}
	requests=$(sys cell1.blk0/requests)
	before=$(stats cell1)
	start=$(now)
	cell_run cell1 60 "dd $options bs=1M count=64 2>/dev/null" >/dev/null || fail "$name"
	took=$(took "$start")
	row "${name#* }, $(($(sys cell1.blk0/requests) - requests)) requests" cell1 "$before" "$took"
done
before=$(stats cell1)
start=$(now)
cell_run cell1 60 'seq 10000' >/dev/null
row '49 KB printed on the console' cell1 "$before" "$(took "$start")"
console_close cell1
shyper cell destroy debian >/dev/null || fail destroy
echo
echo "| verb | virtual s |"
echo "|---|---|"
echo "| cell create small (128 MiB) | $created |"
echo "| cell destroy small | $destroyed |"
