#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 900 --put build/guests/idle.img --put docs/json.md
# root-run: --put tests/lib/dialogue.sh
#
# Each verb of shyper is carried out by itself, in -c, in a script and at the
# prompt, and prints the same; with --json jq understands it and docs/json.md has
# each of its fields; onto a full disk it fails. A life of a cell is a quarter of a
# minute here, so each way has one, and no more is looked at than once.
. ./cell.sh
. ./prompt.sh

lines=() texts=() filters=()

# row LINE TEXT FILTER: a command; it prints a line like TEXT (extended regular
# expression), and with --json what the jq program FILTER says yes to. All rows, in
# their order, are the life of a cell.
row() {
	lines+=("$1") texts+=("$2") filters+=("$3")
}

# What changes nothing can be asked twice.
asks='cell (check|create --dry-run|list|wait|show|log|console|dump)|device (list|show)|stat|top|events|system|help'

row 'cell check ./idle.json' '^\./idle\.json +idle +1 +16M +yes' '.[0].valid'
row 'cell create --dry-run ./idle.json' '^name +idle' '.device_tree | contains("virtio_mmio@")'
row 'cell create ./idle.json' '^cell1 idle: created' '.state == "created"'
row 'cell list' '^1 +idle +created' '.[1].name == "idle"'
row 'cell load idle' '^cell1 idle: loaded' '.state == "loaded"'
row 'cell start idle' '^cell1 idle: running' '.state == "running"'
row 'cell wait idle running failed -t 60' '^cell1 idle: running' '.state == "running"'
row 'stat -i 0.3' '^cell1 +idle +running +[0-9.]+ ' '.cells[1].vmexits_total >= 0'
row 'top -n 1 -i 0.3' '^cell1 +idle +running +[0-9.]+ ' '.devices | length == 3'
row 'events -n 3' ' cell1 idle: present, running' '.event == "present"'
row 'cell show idle' '^name +idle' '.starts == 1 and (.holders | length) >= 2'
row 'cell show --map' '^each character: [0-9]+ MiB' 'any(.cell == 1 and .owner == "idle")'
row 'cell log idle' '^ok idle' '.text | contains("ok idle")'
row 'cell console idle' 'read-only, another client writes' '.text | contains("read-only")'
row 'cell dump idle' '^log of the cell' '.log | contains("ok idle")'
row 'device list idle' '^cell1\.echo0 +echo +yes' '.[1].type == "echo"'
row 'device show idle.con0' '^device +cell1\.con0' '.statistics.attached == 1'
row 'device set idle.con0 log=/tmp/con0.log' '^cell1\.con0: served by' '.backend_pid != .previous_pid'
row 'device upgrade idle.echo0' '^cell1\.echo0: served by' '.backend_pid != .previous_pid'
row 'cell pause idle' '^cell1 idle: paused' '.state == "paused"'
row 'cell resume idle' '^cell1 idle: running' '.starts == 1'
row 'cell restart idle' '^cell1 idle: running' '.starts == 2'
row 'cell stop idle' '^cell1 idle: stopped' '.reason == "stop"'
row 'cell destroy idle' '^cell1 idle: gone' '.state == "gone"'
row 'system status' '^CPUs online in root +0-1' '.holders == []'
row 'system log' '^hvisor: ' '.text | contains("hvisor")'
row 'system version' '^hypervisor ABI +1\.' '.hypervisor_abi | startswith("1.")'
row 'help' '^cell create CONFIG ' 'length > 20'

# What ends by itself or by a signal alone is tried below.
others='exit quit system_daemon'

cat >idle.json <<-END
	{ "version": 1, "name": "idle", "cpus": 1, "memory": "16M",
	  "boot": { "kernel": "$PWD/idle.img" }, "restart": "never",
	  "devices": [ { "type": "console", "name": "con0" }, { "type": "echo", "name": "echo0" } ] }
END

# A reader of the console who is there first, whenever there is one.
(
	while :; do
		socat -u UNIX-CONNECT:/run/shyper/cell1.con0.sock,forever,interval=0.05 - >/dev/null 2>&1
	done
) &
reader=$!
trap 'kill $reader' EXIT

# has_all FILE: the texts of all rows, in their order.
has_all() {
	local file=$1 n from=1 at
	for n in "${!lines[@]}"; do
		at=$(tail -n "+$from" "$file" | grep -anEm 1 -- "${texts[n]}") ||
			fail "$file: no '${texts[n]}' of '${lines[n]}' from line $from on"
		from=$((from + ${at%%:*} - 1))
	done
}

# verb_of LINE: its verb, with _ for a blank.
verb_of() {
	local line=${1//  / } verb
	for verb in $verbs; do
		[[ "$line " != "${verb//_/ } "* ]] || echo "$verb"
	done
}

# form_of LINE: the same with its long options, which print something else.
form_of() {
	local word form
	form=$(verb_of "$1")
	for word in $1; do
		[[ $word != --* ]] || form=${form}_$word
	done
	echo "$form"
}

verbs=$(shyper help --json | jq -r '.[].command | gsub(" "; "_")')
for verb in $verbs; do
	found=$others
	for line in "${lines[@]}"; do
		found="$found $(verb_of "$line")"
	done
	[[ " $found " == *" $verb "* ]] || fail "no row for ${verb//_/ }"
done
echo "$(wc -w <<<"$verbs") verbs"
echo ok each-verb

before=$(snapshot)
# onto_full_disk LINE: one line says that it could not be written.
onto_full_disk() {
	local status=0
	eval "shyper $1" >/dev/full 2>err </dev/null || status=$?
	expect "status of $1 onto a full disk" $status 1
	expect "lines of $1" "$(wc -l <err)" 1
}

for n in "${!lines[@]}"; do
	eval "shyper ${lines[n]}" >out 2>err </dev/null || fail "${lines[n]}: $(cat err)"
	grep -qE -- "${texts[n]}" out || fail "${lines[n]}: $(cat out)"
	[ ! -s err ] || fail "${lines[n]} complains: $(cat err)"
	[[ ! ${lines[n]} =~ ^($asks) ]] || onto_full_disk "${lines[n]}"
done
echo ok one-shot
# What changes something has done so by the time when it cannot say so.
for line in 'cell create ./idle.json' 'cell load idle' 'cell start idle' 'cell pause idle' \
	'cell resume idle' 'cell restart idle' 'device set idle.con0 log=/tmp/con0.log' \
	'device upgrade idle.echo0' 'cell stop idle' 'cell destroy idle'; do
	onto_full_disk "$line"
done
echo 'cell list' >script
for way in '-j cell list' '-c "cell list"' '-b script'; do
	onto_full_disk "$way"
done
echo ok full-disk

# One jq for all: it takes longer to start than what it is to look at.
mkdir json
filter='' files=()
for n in "${!lines[@]}"; do
	file=json/$(form_of "${lines[n]}")
	eval "shyper ${lines[n]} --json" >"$file" 2>err </dev/null || fail "${lines[n]}: $(cat err)"
	files+=(--slurpfile "f$n" "$file")
	filter="$filter, (\$f${n}[-1] | ${filters[n]})"
done
readarray -t verdicts < <(jq -n "${files[@]}" "${filter#, }")
expect "answers of jq" "${#verdicts[@]}" "${#lines[@]}"
for n in "${!lines[@]}"; do
	[ "${verdicts[n]-}" = true ] || fail "${lines[n]}: $(cat "${files[n * 3 + 2]}")"
done
echo ok json

# Fields by verb, as documented: VERB FIELD; FIELD may end with *.
awk -v verbs="$(ls json)" '
	function flush(v, text) {
		split(verbs, all, /[ \n]+/)
		for (v in all) {
			text = all[v]
			gsub(/_/, " ", text)
			if (index(prose, "`" text "`"))
				printed[all[v]] = 1
		}
	}
	/^## / { prose = ""; delete printed; next }
	/^\| `/ {
		if (prose != "")
			flush()
		prose = ""
		split($0, part, "`")
		for (v in printed)
			print v, part[2]
		next
	}
	!/^\|/ { prose = prose " " $0 }' json.md >documented
jq -r 'input_filename as $file | paths | select(.[-1] | type == "string") |
	map(if type == "number" then "[]" else . end) | join(".") |
	gsub("\\.\\[\\]"; "[]") | sub("^\\[\\]\\."; "") |
	"\($file | sub("json/"; "")) \(.)"' json/* | sort -u >printed
awk 'NR == FNR { field[$1 " " $2] = 1; next }
	{
		if (($1 " " $2) in field)
			next
		name = $2
		known = 0
		# A field of what is there: a, a[].b of a.*, a[].*; a itself of a[].b
		for (f in field) {
			split(f, part, " ")
			if (part[1] != $1)
				continue
			star = part[2]
			if (sub(/\*$/, "", star) && index(name, star) == 1)
				known = 1
			if (index(part[2], name ".") == 1 || index(part[2], name "[]") == 1)
				known = 1
		}
		if (!known)
			print
	}' documented printed >unknown
[ ! -s unknown ] || fail "not in docs/json.md: $(cat unknown)"
# None has gone that was documented, but of lists that are empty here.
awk 'NR == FNR {
		n = $2
		has[$1 " " n] = 1
		while (sub(/(\.[^.[]*|\[\])$/, "", n))
			has[$1 " " n] = 1
		next
	}
	/\*$/ { next }
	{
		n = $2
		empty = 0
		while (match(n, /.*\[\]/)) {
			n = substr(n, 1, RLENGTH - 2)
			if (($1 " " n) in has && !(($1 " " n "[]") in has))
				empty = 1
		}
		if (!empty && !(($1 " " $2) in has))
			print
	}' printed documented >lacking
[ ! -s lacking ] || fail "documented, and not printed: $(cat lacking)"
[ "$(wc -l <printed)" -gt 100 ] || fail "only $(wc -l <printed) fields were printed"
echo "$(wc -l <printed) fields"
echo ok fields

command=$(printf '%s; ' "${lines[@]}")
shyper -c "$command" >out 2>err </dev/null || fail "-c: $(cat err)"
has_all out
echo ok in-c

printf '%s\n' '# The life of a cell' "${lines[@]}" >script
shyper -b script >out 2>err </dev/null || fail "script: $(cat err)"
has_all out
echo ok script
printf '%s\n' 'system version' help | shyper >out 2>err || fail "stdin: $(cat err)"
grep -q '^cell create CONFIG ' out || fail "stdin: $(cat out)"
echo ok stdin

prompt_start
for n in "${!lines[@]}"; do
	if [[ ${lines[n]} == *console* ]]; then
		dialogue_send "${lines[n]}"
		dialogue_await 20 'another client writes' || fail "console at the prompt"
		prompt_type '\035'
		prompt_result 20 >out
		echo 'read-only, another client writes' >>out
	else
		prompt_run "${lines[n]}" 120 >out
	fi
	grep -qE -- "${texts[n]}" out || fail "at the prompt, ${lines[n]}: $(cat out)"
done
prompt_end exit
unchanged "$before"
echo ok prompt

# exit and quit end what they are in.
for verb in exit quit; do
	shyper $verb || fail "$verb"
	shyper -c "$verb; nonsense" || fail "-c $verb"
	printf '%s\n' $verb nonsense >script
	shyper -b script || fail "script: $verb"
	shyper <script || fail "stdin: $verb"
done
prompt_start
prompt_end quit
echo ok exit

# An option that stands for a verb prints what that does.
expect version "$(shyper -V)" "shyper $(shyper -j -V | jq -r .shyper)"
echo ok version

# The daemon, with nothing to serve, in each way; SIGTERM or ^C ends it.
echo '{ "version": 1, "mediated": [] }' >none.json
echo 'system daemon ./none.json' >script
# runs PID: it is ready for SIGTERM, number 15.
runs() {
	local mask name
	read -r name <"/proc/$1/comm" && [ "$name" = shyper ] || return 1
	for mask in $(sed -n 's/^Sig\(Blk\|Cgt\):\t//p' "/proc/$1/status"); do
		! ((0x$mask >> 14 & 1)) || return 0
	done
	return 1
}
shell_runs() {
	runs "$(pgrep -x shyper)"
}
for way in 'system daemon ./none.json' '-c system\ daemon\ ./none.json' '-b script' '-j system daemon ./none.json'; do
	bash -c "exec shyper $way" &
	pid=$!
	wait_until 20 runs $pid
	kill -TERM $pid
	wait $pid || fail "daemon by $way: status $?"
done
prompt_start
dialogue_send 'system daemon ./none.json'
wait_until 20 shell_runs
prompt_type '\003'
prompt_result 20
prompt_end
echo ok daemon
