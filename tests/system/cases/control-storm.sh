#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 900 --put build/guests/idle.img --put tests/lib/dialogue.sh
#
# Two shells, ten scripts and top beside them create, start, stop and destroy cells
# that want the same names, CPUs, memory and disk, at random, for a minute, or for as
# many seconds as a file ./seconds says. Nothing hangs, each refusal names its
# reason, and all is given back.
. ./cell.sh
. ./memory.sh
. ./prompt.sh

seconds=60
[ ! -e seconds ] || read -r seconds <seconds
cells=(one two three big huge)

# config NAME CPUS MEMORY [DISK]
config() {
	local disk=${4:+, { \"type\": \"blk\", \"name\": \"blk0\", \"path\": \"$4\" \}}

	cat >"$1.json" <<-END
		{ "version": 1, "name": "$1", "cpus": $2, "memory": "$3", "restart": "never",
		  "boot": { "kernel": "$PWD/idle.img" },
		  "devices": [ { "type": "echo", "name": "echo0" }$disk ] }
	END
}

truncate -s 1M /root/disk.img
config one 1 16M /root/disk.img
config two 2 16M /root/disk.img
config three 3 16M
config big 1 400M
# More than there is. What only needs more hugepages would keep them.
config huge 1 3G

# A line of a script, one of what people do to cells.
random_line() {
	local name=${cells[RANDOM % ${#cells[@]}]}
	case $((RANDOM % 16)) in
	0 | 1 | 2 | 3 | 4) echo "cell create ./$name.json" ;;
	5 | 6 | 7 | 8 | 9) echo "cell start $name" ;;
	10) echo "cell stop $name" ;;
	11) echo "cell restart $name" ;;
	12 | 13) echo "cell destroy $name" ;;
	14) echo "cell show $name; cell list" ;;
	15) echo "cell pause $name; cell resume $name" ;;
	esac
}

# storm_script N END: files of three lines, all carried out, each in bounded time.
storm_script() {
	local file=script$1 status
	RANDOM=$1
	while [ $SECONDS -lt "$2" ]; do
		for _ in 1 2 3; do
			random_line
		done >"$file"
		status=0
		timeout -s KILL 120 shyper -fb "$file" >>"$file.out" 2>>"$file.err" </dev/null || status=$?
		case $status in
		0 | 1 | 3 | 5) echo $status >>"$file.statuses" ;;
		*) fail "$file ended with $status: $(tail -n 3 "$file.err")" ;;
		esac
	done
}

# storm_shell N END: lines at a prompt of its own, and then it can be left.
storm_shell() {
	prompt_log=/tmp/prompt$1.log
	RANDOM=$((100 + $1))
	prompt_start 120
	while [ $SECONDS -lt "$2" ]; do
		prompt_run "$(random_line)" 120 >>"shell$1.out"
	done
	prompt_end
}

# storm_top SECONDS: `top` on a terminal, until it is told to end.
storm_top() {
	(sleep "$1"; printf q; sleep 5) |
		timeout -s KILL $(($1 + 60)) socat - EXEC:'shyper top -i 1',pty,setsid,ctty >top.out
}

# storm SECONDS: and each actor's verdict.
storm() {
	local end=$((SECONDS + $1)) actors=() actor n
	for n in 1 2; do
		storm_shell "$n" "$end" &
		actors+=($!)
	done
	for n in 1 2 3 4 5 6 7 8 9 10; do
		storm_script "$n" "$end" &
		actors+=($!)
	done
	storm_top "$1" &
	actors+=($!)
	for actor in "${actors[@]}"; do
		wait "$actor" || fail "an actor of the storm"
	done
}

# Everything goes in the end, whatever it is.
calm() {
	local name
	for name in "${cells[@]}"; do
		! shyper cell show "$name" >/dev/null 2>&1 ||
			shyper cell destroy "$name" -t 30 >/dev/null || fail "destroy $name"
	done
	systemctl reset-failed 2>/dev/null
}

before=$(snapshot)
storm 5
calm
unchanged "$before"
at_first=($(memory))
rm -f ./*.err ./*.out ./*.statuses
storm "$seconds"
calm
unchanged "$before"
at_last=($(memory))

lines=$(cat script*.statuses | wc -l)
echo "$((lines * 3)) lines of scripts; ends: $(cat script*.statuses | sort | uniq -c | xargs)"
[ "$lines" -gt $((seconds / 6)) ] || fail "only $lines scripts in $seconds s"
for word in created running gone; do
	n=$(cat script*.out | grep -c "^cell[0-9]* [a-z]*: $word\$")
	echo "$n times $word"
	[ "$n" -gt 0 ] || fail "none was ever $word"
done
grep -qa '^cell[1-9]' top.out || fail "top has shown no cell"
echo "ok no-deadlock"

# FILE:LINE: object: reason; and the reasons, without their numbers.
cat script*.err | grep -vE '^shyper: script[0-9]+:[0-9]+: [^:]+: .{10,}' && fail "a refusal without a reason"
sed -E 's/^shyper: script[0-9]+:[0-9]+: //; s/[0-9]+/N/g' script*.err | sort | uniq -c | sort -rn
# So at the prompt, where no line is named.
sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' shell*.out | grep '^shyper: ' >refusals || fail "the shells refused nothing"
grep -vE '^shyper: [^:]+: .{10,}' refusals && fail "a refusal without a reason"
errnos='(Device or resource busy|No such device|Connection reset|Broken pipe|Invalid argument|Input/output error|Success)'
! bad=$(grep -hE "$errnos" script*.err refusals) || fail "an errno instead of a reason: $bad"
echo "ok reasons"

within 2048 MemAvailable "${at_first[0]}" "${at_last[0]}"
within 2048 SUnreclaim "${at_first[1]}" "${at_last[1]}"
echo "ok no-leak"
