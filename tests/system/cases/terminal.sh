#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# shyper on a terminal: the words of the command line at its prompt; a cell's
# console, with each key for the guest, ^] to leave and what was printed before
# for those who come later; and the same as JSON.
. ./cell.sh

# prompt TEXT [REGEX]: types a line at shyper's prompt; its output until the
# next one, which is checked.
prompt() {
	local from
	from=$(($(stat -c %s /tmp/terminal.out) + 1))
	console_send terminal "$1"
	console_expect terminal 120 'shyper> $' "$from"
	said=$(tail -c "+$from" /tmp/terminal.out)
	grep -aqE -- "${2:-.}" <<<"$said" || fail "'$1' printed: $said"
}

# keys TEXT REGEX: types into the guest; REGEX comes after that.
keys() {
	local from
	from=$(($(stat -c %s /tmp/terminal.out) + 1))
	printf '%b' "$1" >/tmp/terminal.in
	console_expect terminal 60 "$2" "$from"
}

before=$(snapshot)
cat >session <<-'END'
	#!/bin/bash
	export TERM=vt100
	stty -g >modes
	shyper
	stty -g >>modes
	sleep infinity
END
chmod +x session
terminal_open terminal EXEC:./session,pty,setsid,ctty,stderr
console_expect terminal 60 'shyper> $'
prompt 'cell check small'
prompt 'cell create small' 'creating small: 1 CPU, 128 MiB'
prompt 'cell start small'
prompt 'cell list' 'small.*running'
prompt 'cell list --json' '"name": *"small"'
prompt 'cell show small' 'running'
wait_until 30 eval 'shyper cell log small | grep -q "Linux version"'
prompt 'cell log small' 'earlycon'
echo "ok shell"

keys 'cell console small\r' 'connected to cell1.con0'
console_expect terminal 120 'cell# '
keys 'echo $((6 * 7))-here\r' '42-here'
# ^C is a key like the others.
keys 'sleep 1000\r' 'sleep 1000'
sleep 1
keys '\003' 'cell# '
keys '\035' 'shyper> $'
state_is cell1 running || fail "leaving the console did something to the cell"
echo "ok console"

keys 'cell console cell1\r' '42-here.*'
keys '\r' 'cell# '
keys '\035' 'shyper> $'
echo "ok scroll-back"

prompt 'cell stop small'
prompt 'cell list' 'small.*stopped'
prompt 'cell destroy small'
prompt 'cell list'
! grep -q small <<<"$said" || fail "destroyed, and yet listed: $said"
keys 'exit\r' 'exit'
wait_until 10 eval '[ "$(wc -l <modes)" = 2 ]'
expect "modes of the terminal" "$(sed -n 2p modes)" "$(sed -n 1p modes)"
console_close terminal
unchanged "$before"
echo "ok left"

# value FILTER WANTED COMMAND...: what jq finds in the output of shyper
value() {
	local filter=$1 wanted=$2
	shift 2
	expect "$*" "$(shyper "$@" | jq -r "$filter")" "$wanted"
}

value '.[0].valid' true cell check small --json
value .name small --json cell create small
value .state running cell start small -j
value '.[] | select(.name == "small").id' 1 cell list --json
value '.devices[0].type' console cell show small --json
wait_until 30 eval 'shyper cell log small | grep -q "Linux version"'
expect "log" "$(shyper cell log small --json | jq -rs '[.[].text] | add | split("\n")[0]' | tr -d '\r')" \
	"$(shyper cell log small | head -n 1 | tr -d '\r')"
value .state stopped cell stop small --json
value .name small cell destroy small --json
unchanged "$before"
echo "ok json"
