#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The map of the machine's memory: every piece has one owner, and what it tells
# of hypervisor, pool and cells is what these have.
. ./cell.sh

# map FILTER: of what --json told last
map() {
	jq -r "$1" map.json
}

# disjoint: pieces in order, none reaches into the next
disjoint() {
	local address size last=0
	while read -r address size; do
		[ $((address)) -ge $last ] || fail "the piece at $address begins before $last"
		last=$((address + size))
	done < <(map '.[] | "\(.address) \(.size)"')
}

# iomem NAME: size of all of this name
iomem() {
	local range total=0
	for range in $(sed -n "s/^\([^ ]*\) : $1\$/\1/p" /proc/iomem); do
		total=$((total + 0x${range#*-} - 0x${range%-*} + 1))
	done
	echo $total
}

before=$(snapshot)
shyper cell create debian >/dev/null || fail "create debian"
shyper cell create small >/dev/null || fail "create small"
shyper cell show --map >text || fail "map"
shyper -j cell show --map >map.json || fail "map in JSON"
cat text
disjoint
expect "all" "$(map '[.[].size] | add')" \
	$(($(iomem 'System RAM') + $(iomem hypervisor) + $(iomem 'hypervisor pool')))
expect "hypervisor" "$(map '[.[] | select(.owner == "hypervisor").size] | add')" "$(iomem hypervisor)"
expect "pool" "$(map '[.[] | select(.owner == "pool").size] | add')" $(($(sys control/pool_pages) * 4096))
for cell in cell1 cell2; do
	name=$(sys $cell/name) memory=$(sys $cell/memory)
	expect "$name" "$(map "[.[] | select(.owner == \"$name\").size] | add")" "$memory"
	blocks=$((memory >> 21))
	expect "blocks of $name" "$(wc -l <"/sys/class/hvisor/$cell/memory_blocks")" $blocks
	expect "physical blocks of $name" "$(cut -d' ' -f2 "/sys/class/hvisor/$cell/memory_blocks" | sort -u | wc -l)" $blocks
	expect "guest addresses of $name" "$(cut -d' ' -f1 "/sys/class/hvisor/$cell/memory_blocks")" \
		"$(for n in $(seq 0 $((blocks - 1))); do printf '0x%016x\n' $((0x40000000 + (n << 21))); done)"
done
# Read in small parts it is the same.
expect "parts" "$(dd if=/sys/class/hvisor/cell1/memory_blocks bs=7 2>/dev/null | cksum)" \
	"$(cksum </sys/class/hvisor/cell1/memory_blocks)"
for letter in H P 1 2; do
	grep -q "^0x00[0-9a-f]*  .*$letter" text || fail "no $letter in the drawing"
done
grep -q ', 1 debian, 2 small$' text || grep -q ', 2 small, 1 debian$' text || fail "no legend"
shyper cell show --svg >map.svg || fail "svg"
# A person gets blocks that lie in reverse as one piece.
expect "rectangles" "$(grep -c '^<rect ' map.svg)" "$(grep -cE '^0x[0-9a-f]+ +[0-9.]+[KMG] ' text)"
[ "$(grep -c '^<rect ' map.svg)" -le "$(map length)" ] || fail "more pieces than there are"
echo "ok owners"

status=0
setpriv --reuid nobody --clear-groups shyper cell show --map >out 2>err || status=$?
cat err
expect "status for nobody" $status 6
expect "lines" "$(wc -l <err)" 1
expect "output for nobody" "$(cat out)" ""
echo "ok root-alone"

shyper cell destroy debian >/dev/null || fail "destroy debian"
shyper cell destroy small >/dev/null || fail "destroy small"
unchanged "$before"
shyper -j cell show --map >map.json || fail "map without cells"
expect "owners" "$(map '[.[].owner] | unique | join(" ")')" "hypervisor pool root"
disjoint
echo "ok given-back"
