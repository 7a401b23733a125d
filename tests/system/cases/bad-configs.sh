#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put tests/corpus/cell/bad --put tests/corpus/cell/bad-semantic
#
# Each broken configuration gives, by check, one line for each fault that names
# file, place and reason; create, which reads it in the same way, is tried with a
# part of them. Nothing in the machine changes.
. ./cell.sh

# wanted FILE...: the lines that stand beside each.
wanted() {
	local file
	for file; do
		sed "s|^|shyper: $file: |" "${file%.json}.expected"
	done
}

# same GOT WANTED: but for what depends on the machine's memory and the kernel's size.
same() {
	local sizes='/memory: .*machine\|need/s/[0-9]\+ \([KM]iB\)/N \1/g'
	diff <(sed "$sizes" "$1") <(sed "$sizes" "$2") || fail "other lines than wanted"
}

before=$(snapshot)
files=(bad/*.json bad-semantic/*.json)
[ ${#files[@]} -ge 100 ] || fail "only ${#files[@]} files"
expect "faults of three-faults.json" "$(wc -l <bad/three-faults.expected)" 3
wanted "${files[@]}" >wanted

# Good files between the bad ones change nothing.
status=0
shyper cell check debian "${files[@]}" small >out 2>got || status=$?
expect "status of check" $status 1
same got wanted
expect "valid ones" "$(shyper cell check -j debian "${files[@]}" small 2>/dev/null |
	jq -r '.[] | select(.valid).name' | tr '\n' ' ')" "debian small "
unchanged "$before"
echo "check: ${#files[@]} files refused, $(wc -l <got) faults"
echo "ok check"

files=(bad/*-faults.json bad/syntax-*.json bad-semantic/*.json)
wanted "${files[@]}" >wanted
: >got
for file in "${files[@]}"; do
	status=0
	shyper cell create "$file" 2>>got || status=$?
	expect "status of create $file" $status 1
done
same got wanted
unchanged "$before"
echo "create: ${#files[@]} files refused, $(wc -l <got) faults"
echo "ok create"

# create_fails STATUS TEXT FILTER: small.json, changed by jq, is a valid one that
# this machine cannot carry out now; one line says why.
create_fails() {
	local status=0
	jq "$3" /etc/shyper/cells/small.json >now.json
	shyper cell create ./now.json >out 2>err || status=$?
	cat err
	expect "$3: status" $status "$1"
	expect "$3: lines" "$(wc -l <err)" 1
	grep -q -- "$2" err || fail "$3: no word of '$2'"
}

create_fails 1 hugepages '.memory = "1800M"'
unchanged "$before"
shyper cell create small >/dev/null || fail "create small"
with=$(snapshot)
create_fails 1 small '.cpus = 1'
create_fails 1 'CPU' '.name = "other" | .cpus = 3'
create_fails 1 'CPU' '.name = "other" | .cpus = [1, 2, 3]'
unchanged "$with"
shyper cell destroy small >/dev/null || fail "destroy small"
unchanged "$before"
echo "ok not-now"
