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

# refused VERB FILE...: VERB says of each file, and not of all together, what is
# wanted.
refused() {
	local verb=$1 status=0
	shift
	wanted "$@" >wanted
	printf "cell $verb %s\n" "$@" >script
	shyper --force -b script >out 2>said || status=$?
	expect "status of $verb" $status 1
	sed 's/^shyper: script:[0-9]*:/shyper:/' said >got
	same got wanted
	unchanged "$before"
	echo "$verb: $# files refused, $(wc -l <got) faults"
	echo "ok $verb"
}

refused check "${files[@]}"
refused create bad/*-faults.json bad/syntax-*.json bad-semantic/*.json

# A bad file between good ones changes nothing for them.
shyper cell check -j debian bad/unknown-key.json >out 2>got && fail "check of a bad file"
expect "valid ones" "$(jq -r '.[] | select(.valid).name' out)" debian
shyper cell check debian debian2 >out || fail "debian and debian2 fit"
shyper cell check debian debian2 small >out 2>got && fail "one CPU too many"
expect "together" "$(cat got)" "shyper: /etc/shyper/cells/small.json: /cpus: is 1, but root (CPU 0) and the cells before leave 0"
jq '.name = "other" | .cpus = [3]' /etc/shyper/cells/debian.json >other.json
shyper cell check debian ./other.json >out 2>got && fail "a CPU and a disk for two"
cat got
expect "findings of two" "$(cut -d: -f3 got | tr -d '\n')" " /cpus /devices/1/path"
unchanged "$before"
echo "ok together"

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
# served: its monitor and its backend are there, and do what they do at the beginning
served() {
	with=$(snapshot)
	[[ $with == *processes=2*files=2*run=3* ]]
}
wait_until 30 served
create_fails 1 small '.cpus = 1'
create_fails 1 'CPU' '.name = "other" | .cpus = 3'
create_fails 1 'CPU' '.name = "other" | .cpus = [1, 2, 3]'
unchanged "$with"
# All of it at once, before anything is touched.
shyper cell create small 2>err && fail "small twice"
jq '.cpus = [3] | .memory = "1900M"' /etc/shyper/cells/small.json >twice.json
shyper cell create ./twice.json 2>err && fail "nothing fits"
cat err
expect "places" "$(cut -d: -f3 err | tr -d '\n')" " /name /cpus /memory"
unchanged "$with"
shyper cell destroy small >/dev/null || fail "destroy small"
unchanged "$before"
echo "ok not-now"
