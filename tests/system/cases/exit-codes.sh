#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 300 --put build/guests/idle.img
#
# Each exit status that shyper documents, by commands that give it; each refusal
# is one line that names the object, and nothing is printed beside it.
. ./cell.sh

seen=' '

# gives STATUS TEXT COMMAND...: with one line on stderr that has TEXT.
gives() {
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" >out 2>err </dev/null || status=$?
	expect "status of $*" $status "$wanted"
	seen="$seen$status "
	if [ "$wanted" = 0 ]; then
		[ ! -s err ] || fail "$* complains: $(cat err)"
		return
	fi
	expect "lines of $*" "$(wc -l <err)" 1
	[ ! -s out ] || fail "$* prints: $(cat out)"
	grep -qE -- "^shyper: .*$text" err || fail "$*: $(cat err)"
}

cat >idle.json <<-END
	{ "version": 1, "name": "idle", "cpus": 1, "memory": "16M",
	  "boot": { "kernel": "$PWD/idle.img" }, "restart": "never",
	  "devices": [ { "type": "echo", "name": "echo0" } ] }
END

backend=shyper-echo@cell1.echo0.service
systemctl -q mask --runtime $backend || fail "mask"
gives 0 '' shyper cell create ./idle.json
wait_until 20 test -S /run/shyper/cell1.sock
# Whose number has become another's is told so, by the other's monitor.
echo '{"op":"ping","cell":"other"}' | socat -t 10 - UNIX:/run/shyper/cell1.sock |
	grep -q 'does not exist' || fail "another cell's monitor answers"
# The device that still has no backend is named.
gives 5 'echo0' shyper cell start idle -t 1
systemctl -q unmask --runtime $backend || fail "unmask"
systemctl start $backend || fail "start the backend"
gives 0 '' shyper cell start idle
gives 1 'idle: .*running' shyper cell start idle
gives 1 'idle.*name' shyper cell create ./idle.json
gives 1 'root: ' shyper cell stop root
gives 1 'echo0: .*no key "path"' shyper device set idle.echo0 path=/x
gives 1 'earlycon: no backend' shyper device upgrade idle.earlycon
gives 2 'cell: no verb .run' shyper cell run
gives 2 'cell stop: no option --now' shyper cell stop --now idle
gives 2 'cell stop: --timeout wants a number of seconds, not .soon' shyper cell stop idle --timeout soon
gives 2 'cell wait: no state .runing' shyper cell wait idle runing
gives 2 'quote' shyper -c "cell list 'x"
gives 3 'cell nobody: ' shyper cell show nobody
gives 3 'idle.blk7|cell1.blk7' shyper device show idle.blk7
# In one piece, so that what runs beside it writes into none of it.
mkfifo piece
dd if=piece of=first bs=4096 count=1 2>/dev/null &
shyper cell show nobody 2>piece
wait $!
expect "the first write" "$(cat first)" "shyper: cell nobody: does not exist"
gives 3 '/none.json: ' shyper cell check /none.json
gives 3 '/none: ' shyper -b /none
gives 4 'module' unshare -m sh -c 'mount -t tmpfs none /sys/class && exec shyper cell list'
gives 5 'idle: time is over' shyper cell wait idle stopped -t 0.2
# In the middle of a script the line is named.
printf 'cell list\n\ncell wait idle stopped -t 0.2\ncell list\n' >script
status=0
shyper -b script >out 2>err || status=$?
expect "status of a script" $status 5
expect "lines of a script" "$(wc -l <err)" 1
grep -q '^shyper: script:3: idle: ' err || fail "script: $(cat err)"
expect "cells listed by a script" "$(grep -c '^ID' out)" 1
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
gives 6 '' nobody shyper cell stop idle
gives 6 '' nobody shyper cell log idle
gives 6 '' nobody shyper cell destroy idle
gives 0 '' nobody shyper cell show idle
gives 0 '' shyper cell destroy idle

documented=$(shyper help | sed -n '/^Exit status:/,/\.$/p' | grep -oE '\b[0-9]\b')
expect "documented ones" "$(tr '\n' ' ' <<<"$documented")" '0 1 2 3 4 5 6 '
for status in $documented; do
	[[ $seen == *" $status "* ]] || fail "no command gave $status"
done
