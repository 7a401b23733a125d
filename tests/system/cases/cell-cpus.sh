#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# CPUs leave root when a cell is created and come back when it is destroyed,
# those that were online; a lent CPU is nobody else's; CPU 0 stays root's.
. ./cell.sh

cpu=/sys/devices/system/cpu

# create NAME CPUS: as in a configuration; the output of a failure is in ./err.
create() {
	jq ".name = \"$1\" | .cpus = $2" /etc/shyper/cells/small.json >"$1.json"
	shyper cell create "./$1.json" >/dev/null 2>err
}

online() {
	expect "CPUs online ($1)" "$(cat $cpu/online)" "$2"
}

# refused WHAT TEXT: the create before this failed with one line that has TEXT.
refused() {
	expect "$1: lines" "$(wc -l <err)" 1
	grep -q "$2" err || fail "$1: $(cat err)"
	cat err
}

before=$(snapshot)
online before 0-3
create two '[2, 3]' || fail "create two: $(cat err)"
online "two lent" 0-1
for n in 2 3; do
	echo 1 2>/dev/null >$cpu/cpu$n/online && fail "root took CPU $n back"
	expect "CPU $n" "$(cat $cpu/cpu$n/online)" 0
done
online "two refused to root" 0-1
echo "ok lent"

create same '[3]' && fail "two cells have CPU 3"
refused "CPU of another cell" 'CPU'
create many 2 && fail "there is only one more CPU"
refused "too many" 'cpus'
create zero '[0]' && fail "CPU 0 was lent"
refused "CPU 0" 'CPU 0'
create one 1 || fail "create one: $(cat err)"
online "three lent" 0
create none 1 && fail "no CPU is left"
refused "none left" 'cpus'
shyper cell destroy two >/dev/null || fail "destroy two"
online "one lent" 0,2-3
create again '[2]' || fail "create again: $(cat err)"
online "others lent" 0,3
shyper cell destroy again >/dev/null || fail "destroy again"
shyper cell destroy one >/dev/null || fail "destroy one"
unchanged "$before"
online after 0-3
echo "ok nobody-else"

# Off before: taken as it is, and left as it was.
echo 0 >$cpu/cpu3/online || fail "CPU 3 off"
create two '[2, 3]' || fail "create with CPU 3 off: $(cat err)"
online "with CPU 3 off" 0-1
echo 1 2>/dev/null >$cpu/cpu3/online && fail "root took CPU 3 back"
shyper cell destroy two >/dev/null || fail "destroy"
online "CPU 3 still off" 0-2
echo 1 >$cpu/cpu3/online || fail "CPU 3 on"
unchanged "$before"
echo "ok off-before"
