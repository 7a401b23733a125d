#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600 --put build/guests/fault.img --put tests/lib/dialogue.sh
# root-run: --put README.md
#
# At the prompt, on a terminal of 80x24, with nothing but README and help: which
# cell failed and why, which CPU waits for which device since when, what a disk
# caused in the last second, which process holds which cell's memory. And how the
# line is edited meanwhile.
. ./cell.sh
. ./prompt.sh

# says TEXT FILE: FILE has a line like TEXT.
says() {
	grep -qE -- "$1" "$2" || fail "no '$1' in: $(cat "$2")"
}

# ask QUESTION COMMAND [ARGUMENT...]: types it; the answer is in ./answer. README
# has the question and beside it the command, which is in help, too.
ask() {
	grep -F -- "$1" README.md | grep -qF -- "\`$2" || fail "README: $1 $2"
	shyper help | grep -q -- "^$2 " || fail "help: $2"
	prompt_run "${*:2}" >answer
	cat answer
}

# have_failed TIMES: cell2 did so often, by the hypervisor's log.
have_failed() {
	[ "$(grep -c 'cell 2: failed' system.log)" = "$1" ]
}

cat >broken.json <<-END
	{ "version": 1, "name": "broken", "cpus": 1, "memory": "16M",
	  "boot": { "kernel": "$PWD/fault.img" }, "restart": "never", "devices": [] }
END
truncate -s 8M /root/disk.img
jq '.name = "work" | .devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" } ]' \
	/etc/shyper/cells/small.json >work.json

shyper cell create ./work.json >/dev/null || fail "create work"
shyper cell log work --follow >work.log 2>work.err &
log=$!
shyper events --new -n 1 >new.txt &
events=$!
shyper -c 'cell start work; cell create ./broken.json; cell start broken' >/dev/null || fail "create"
wait $events || fail "events: status $?"
expect "new events" "$(wc -l <new.txt)" 1
! grep present new.txt || fail "an event of what was there"
echo ok new-events
shyper cell wait broken failed -t 60 >/dev/null || fail "broken does not fail"
console_open cell1
cell_login cell1 240
cell_run cell1 30 'while [ ! -e /stop ]; do dd if=/dev/vda of=/dev/null bs=4k 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches; done & :' >/dev/null || fail "no reading of the disk"

prompt_start
ask 'Which cell failed' 'cell list'
says '^2 +broken +failed +unmapped' answer
says '^1 +work +running +none' answer
ask 'Why' 'cell show' cell2
says '^why +CPU 0 (wrote to|read from) 0x10000000, where the cell has nothing; PC 0x4[0-9a-f]+$' answer
says 'ESR=0x9[0-9a-f]+' answer
echo ok failed-and-why

ask 'caused in the last second' stat cell1.blk0
says '^notifications +[1-9]' answer
says '^exits caused +[1-9]' answer
says '^  bytes read +[1-9][0-9.]*[KM]$' answer
says '^per second, over [0-9.]+ s until ' answer
echo ok disk-rates

cell_run cell1 60 'touch /stop; wait' >/dev/null || fail "dd does not end"
backend=$(sys cell1.blk0/backend_pid)
kill -STOP "$backend"
before=$(date -u +%FT%H:)
cell_post cell1 'echo virtio1 >/sys/bus/virtio/drivers/virtio_blk/unbind'
wait_until 20 grep -q blk0 /sys/class/hvisor/cell1/virtio/pending
since=$(date -u +%FT%H:)
ask 'waits for which device' 'cell show' cell1
says "^  0 +blk0 +(reset|queue-stop) +0xa001[0-9a-f]+ +[0-9.ms]+ +($before|$since)" answer
ask 'waits for which device' top -n 1
says "^cell1 +0 +blk0 +(reset|queue-stop) +[0-9.ms]+ +($before|$since)" answer
echo ok who-waits

# A stranger that holds the memory, too.
exec 7<"$(find "/proc/$backend/map_files" -lname '*memfd:shyper:work*' | head -n 1)"
sleep 1000 &
stranger=$!
exec 7<&-
ask 'holds which' 'cell show' cell1
says "^  work +shyper-blk +$backend$" answer
says "^  work +shyper-cell +$(systemctl show -P MainPID shyper-cell@cell1.service)$" answer
says "^  work +sleep +$stranger$" answer
ask 'holds which' 'system status'
says "^  work +shyper-blk +$backend$" answer
says "^  broken +shyper-cell +[1-9]" answer
kill -CONT "$backend"
cell_result cell1 60 >/dev/null || fail "unbind"
console_close cell1
# And when there is no such cell any more.
status=0
shyper cell destroy work -t 3 2>err >/dev/null || status=$?
expect "status of a destroy whose memory is held" $status 5
says "sleep \($stranger\)" err
ask 'holds which' 'system status'
says "^  work +sleep +$stranger$" answer
kill $stranger
wait $log || fail "log of a cell that has gone: status $?"
says 'Linux version' work.log
[ ! -s work.err ] || fail "log of a cell that has gone: $(cat work.err)"
echo ok who-holds

# A cell fails while somebody types: told above the line, which is as it was.
prompt_type 'cell li'
shyper system log -f >system.log &
log=$!
wait_until 20 have_failed 1
shyper cell start broken >/dev/null || fail "start broken"
dialogue_await 20 'cell2 broken: failed (unmapped)' || fail "no word of a failure"
dialogue_await 20 'shyper> cell li' || fail "the line is gone"
prompt_type 'st\n'
prompt_result 20 >answer
says '^2 +broken +failed' answer
wait_until 20 have_failed 2
kill -INT $log
wait $log || fail "system log: status $?"
echo ok failure-is-told

# One match is completed, with a blank behind it.
prompt_type 'cell sh\t'
dialogue_await 10 'cell show ' || fail "no completion of a verb"
prompt_type 'bro\t'
dialogue_await 10 'broken ' || fail "no completion of a cell"
# What they have in common first, then all of them.
prompt_type '-\t\t\t'
dialogue_await 10 '--json' || fail "no completion of options"
dialogue_await 10 'shyper> cell show broken --' || fail "the line is gone"
prompt_type '\003'
dialogue_await 10 'shyper> ' || fail "^C does not clear the line"
prompt_type 'cell check /etc/shyper/cells/small.j\t\n'
prompt_result 20 >answer
says '^/etc/shyper/cells/small.json +small' answer
echo ok completion

prompt_type 'nonsense\003'
dialogue_await 10 'shyper> ' || fail "^C does not clear the line"
prompt_run 'device list' >answer
! grep -q nonsense answer || fail "^C leaves the line: $(cat answer)"
# A command that waits is interrupted, the shell is not.
dialogue_send 'cell wait broken running'
sleep 1
prompt_type '\003'
prompt_result 20 >answer
says 'interrupted' answer
echo ok interrupt

# Within 80 columns and 24 rows, in place.
dialogue_send 'top -i 0.5'
dialogue_await 20 'per second' || fail "top"
dialogue_await 20 'per second' || fail "top does not go on"
prompt_type 'q'
prompt_result 20 >answer
awk 'BEGIN { RS = "\033\\[H" } { n = gsub(/\n/, ""); if (n > 24) exit 1 }' answer || fail "top is too high"
prompt_run help >answer
sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' "$prompt_log" | tr '\r' '\n' | awk 'length > 80' >wide
[ ! -s wide ] || fail "wider than 80 columns: $(cat wide)"
echo ok width

prompt_end
prompt_start
# The line before the last, of the shell before this one.
prompt_type '\033[A\033[A\n'
prompt_result 20 >answer
says '^cell create CONFIG ' answer
prompt_end
expect "mode of the history" "$(stat -c %a ~/.local/state/shyper/history)" 600
echo ok history

# The same words in bash.
dialogue_start /tmp/bash.log socat -t 1 - EXEC:'bash --norc -i',pty,setsid,ctty,stderr
dialogue_send 'PS1="bash> "; . /usr/share/bash-completion/completions/shyper'
dialogue_await 20 'bash> ' && dialogue_await 20 'bash> ' || fail "no prompt of bash"
prompt_type 'shyper cell sho\t'
dialogue_await 20 'shyper cell show ' || fail "no completion of a verb in bash"
prompt_type 'bro\t'
dialogue_await 20 'broken ' || fail "no completion of a cell in bash"
# ^C empties the terminal's queue.
prompt_type '\003'
dialogue_await 20 'bash> ' || fail "no prompt of bash after ^C"
prompt_type 'shyper cell check /etc/shyper/cells/sm\t'
dialogue_await 20 '/small.json ' || fail "no completion of a file in bash"
prompt_type '\003'
dialogue_await 20 'bash> ' || fail "no prompt of bash after the second ^C"
dialogue_send exit
dialogue_end 20 || fail "bash does not end"
echo ok bash-completion

# Gone at once, whoever has its memory.
exec 7<"$(find "/proc/$(systemctl show -P MainPID shyper-cell@cell2.service)/map_files" \
	-lname '*memfd:shyper:broken*' | head -n 1)"
sleep 1000 &
stranger=$!
exec 7<&-
shyper cell destroy broken --no-wait >answer || fail "destroy broken: status $?"
says '^cell2 broken: gone' answer
shyper system status >answer
says "^  broken +sleep +$stranger$" answer
kill $stranger
echo ok no-wait
