#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# create --dry-run changes nothing, and the cell becomes what it tells: CPUs,
# addresses, interrupts, places of the images, device tree.
. ./cell.sh

jq '.devices += [ { "type": "echo", "name": "echo0" },
	{ "type": "console", "name": "con1", "address": "0x0a100000" } ]' \
	/etc/shyper/cells/small.json >cell.json

# plan FILTER: of what was told
plan() {
	jq -r "$1" plan.json
}

before=$(snapshot)
shyper cell create --dry-run ./cell.json >text || fail "dry run"
cat text
shyper -j cell create --dry-run ./cell.json >plan.json || fail "dry run in JSON"
plan .device_tree >tree
expect "tree at the end of the text" "$(sed -n '/^\/dts-v1/,$p' text)" "$(cat tree)"
shyper cell create --dry-run bad.json 2>err && fail "of no file"
jq '.memroy = 1' cell.json >bad.json
shyper cell create --dry-run ./bad.json >out 2>err && fail "of a bad file"
expect "output" "$(cat out)" ""
unchanged "$before"
echo "ok nothing-changed"

shyper cell create ./cell.json >/dev/null || fail "create"
expect cpus "$(plan .cpus)" "$(sys cell1/cpus)"
for device in con0 echo0 con1; do
	region="(.regions[] | select(.name == \"$device\"))"
	expect "$device's address" $(($(plan "$region.address"))) $(($(sys cell1.$device/address)))
	expect "$device's interrupt" "$(plan "$region.intid // 0")" "$(sys cell1.$device/irq)"
	expect "$device's type" "$(plan "$region.type")" "$(sys cell1.$device/type)"
done
shyper cell create --dry-run ./cell.json 2>err && fail "its name is taken"
cat err
shyper cell start small >/dev/null || fail "start"
console_open cell1
cell_login cell1 60
cell_quiet cell1
# Linux has taken the nodes of the early console and of memory as they were.
expect "nodes" "$(cell_run cell1 30 'cd /proc/device-tree; find . -type d' | sed 's:.*/::' | sort)" \
	"$(sed -n 's/^\t\+\(.*\) {$/\1/p; s/^\/ {$/./p' tree | sort)"
for node in model chosen/bootargs psci/method; do
	expect "$node" "$(cell_run cell1 30 "tr -d '\\0' </proc/device-tree/$node; echo")" \
		"$(sed -n "s/^\t*${node##*/} = \"\(.*\)\";/\1/p" tree)"
done
expect "initrd" "$(cell_run cell1 30 "od -An -tx1 /proc/device-tree/chosen/linux,initrd-start | tr -d ' '")" \
	"$(printf %016x "$(($(plan '.regions[] | select(.name == "initrd").address')))")"
console_close cell1
shyper cell destroy small >/dev/null || fail "destroy"
unchanged "$before"
echo "ok as-told"
