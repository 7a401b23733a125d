#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put docs/ABI/testing/sysfs-class-hvisor
# root-run: --put build/programs/full-page --put build/guests/queues.img
# root-run: --put build/programs/poll-file --put build/guests/hello.img
#
# What docs/ABI promises of sysfs is there, all of it and no more; to read never
# fails, blocks or tells an address of the kernel; and it tells who runs, who
# waits and who holds what.
. ./cell.sh

class=/sys/class/hvisor

# -- the document --

# The paths of the document as patterns of whole lines.
sed -n 's,^What:\t*/sys/class/hvisor/\(.\),\1,p' sysfs-class-hvisor |
	sed -e 's/\./[.]/g' -e 's/cellN\[\.\]NAME/cellN[.][A-Za-z0-9_-]+/' \
		-e 's,virtio/NAME,virtio/[A-Za-z0-9_-]+,' -e 's/[NM]\b/[0-9]+/' \
		-e 's/\(cpu\|queue\)M/\1[0-9]+/' >patterns

# Each paragraph: What lines, the four others, text.
awk 'BEGIN { RS = ""; FS = "\n" }
	!/^What:\t\t/ { next }	# goes on with the description before
	{ i = 1; while ($i ~ /^What:\t\t\/sys\/class\/hvisor\//) i++ }
	$i !~ /^Date:\t\t/ || $(i + 1) !~ /^KernelVersion:\t/ ||
	$(i + 2) !~ /^Contact:\t/ || $(i + 3) != "Description:" || $(i + 4) !~ /^\t\t[^\t]/ {
		print "form of " $1; bad = 1 }
	END { exit bad || NR < 30 }' sysfs-class-hvisor || fail "the document"

# -- the tree, with all kinds of devices --

# Its files and the folders of the class. uevent and subsystem are every class's.
list_tree() {
	(cd $class && find -H ./*/ -type f ! -name uevent | sed 's,^\./,,; s,//,/,' &&
		printf '%s\n' cell*)
}

is_served() {
	[ "$(cat $class/cell1.{con0,blk0,echo0}/attached | sort -u)" = 1 ]
}

truncate -s 1M disk.img
jq --arg here "$PWD" '.name = "all" | .boot = { "kernel": ($here + "/hello.img") } |
	.devices += [ { "type": "blk", "name": "blk0", "path": ($here + "/disk.img") },
		{ "type": "echo", "name": "echo0" } ]' /etc/shyper/cells/small.json >all.json
before=$(snapshot)
shyper cell create ./all.json >/dev/null || fail "create"
wait_until 20 is_served
list_tree >tree
grep -vxE -f patterns tree && fail "there, but not documented"
while read -r pattern; do
	grep -qxE -e "$pattern" tree || fail "documented, but not there: $pattern"
done <patterns
echo "$(wc -l <patterns) documented, $(wc -l <tree) there"
echo "ok documented"

# read_all [COMMAND...]: every file of the class, by COMMAND's user.
read_all() {
	timeout 30 "$@" grep -r . $class/*/ >all.txt 2>all.err
}
read_all || fail "grep: status $?: $(head -n 3 all.err)"
[ ! -s all.err ] || fail "$(head -n 3 all.err)"
read_all setpriv --reuid nobody --regid nogroup --clear-groups
grep -v ': Permission denied$' all.err && fail "read by nobody"
expect "files for root alone" \
	"$(sed -E 's,.*/([a-z_]+): .*,\1,' all.err | sort | uniq -c | xargs)" "6 config 2 failure 2 memory_blocks"
find -H $class/*/ -type f -perm /222 ! -name uevent | grep . && fail "can be written"
echo "ok readable"

# All of root's kernel is up there, and the guest has no MMU.
grep -E '(^|[^0-9a-f])(0x)?ffff[0-9a-f]{12}([^0-9a-f]|$)|ptrval' all.txt && fail "a pointer"
echo "ok no-pointers"

# -- poll() on state, beside a cell that runs and ends --

./poll-file $class/cell1/state stopped >states &
poll=$!
wait_until 20 grep -qx created states
shyper cell load all >/dev/null || fail "load"
wait_until 20 grep -qx loaded states
shyper cell start all >/dev/null || fail "start"
wait $poll || fail "poll: $(xargs <states)"
expect "first and last state" "$(sed -n '1p;$p' states | xargs)" "created stopped"
[ "$(wc -l <states)" -gt 2 ] || fail "states: $(xargs <states)"
expect reason "$(sys cell1/reason)" off
expect "starts, restarts, uptime" \
	"$(sys cell1/starts) $(sys cell1/restarts) $(sys cell1/uptime_ms)" "1 0 0"
echo "ok poll"

# -- numbers that agree with each other and with the rest of the system --

# sum FILE...
sum() {
	cat "$@" | awk '{ n += $1 } END { print n }'
}

cpu=$(sys cell1/cpus)
exits=$class/cell1/statistics
expect "all kinds of exits" "$(sum $exits/vmexits_[!t]*)" "$(cat $exits/vmexits_total)"
expect "exits of CPU $cpu" "$(cat "$exits/cpu$cpu/"*)" "$(cat $exits/vmexits_*)"
[ "$(cat $exits/vmexits_psci)" -gt 0 ] || fail "the guest's SYSTEM_OFF was not counted"
[ "$(sum $class/cell0/statistics/cpu*/vmexits_hypercall)" -gt 0 ] || fail "no hypercalls"
grep -qE "^ *$(sys cell1/irq): .* $(sys cell1/intid) +Edge +cell1$" /proc/interrupts ||
	fail "interrupt $(sys cell1/irq), $(sys cell1/intid): $(grep hvisor /proc/interrupts)"
expect "blk0's interrupt" "$(sed -n 's/=blk0$//p' $class/cell1/interrupts)" \
	"INTID$(sys cell1.blk0/irq)"
[ "$(sys cell1.blk0/backend_age_ms)" -gt 0 ] || fail "the age of blk0's backend"
echo "ok numbers"

# Who holds the memory, found as the document says.
IFS=, read -r address length access holders device inode <<<"$(sed -n 's/^REGION0=//p' \
	$class/cell1/memory_regions)"
expect region "$((address)) $((length)) $access $holders" \
	"$((0x40000000)) $(sys cell1/memory) rw root"
{
	find -L /proc/[0-9]*/fd -inum "$inode" -printf '%p %D\n' 2>/dev/null |
		awk -v dev="$((0x${device#*:}))" '$2 == dev'	# of major number 0
	awk -v inode="$inode" -v dev="$device" '$4 == dev && $5 == inode { print FILENAME }' \
		/proc/[0-9]*/maps 2>/dev/null
} | cut -d/ -f3 | sort -u >holders
sort -u $class/cell1/monitor_pid $class/cell1.{con0,blk0,echo0}/backend_pid >wanted
diff wanted holders || fail "who holds the memory"
expect "monitor" "$(sys cell1/monitor_pid)" \
	"$(systemctl show -P MainPID shyper-cell@cell1.service)"
shyper cell destroy all >/dev/null || fail "destroy"
echo "ok holders"

# -- as much as a device can show, and three CPUs that wait --

systemctl mask --runtime shyper-cell@cell1.service 2>/dev/null || fail "mask"
mkfifo answers
./full-page queues.img <answers >full.out &
program=$!
exec 5>answers
wait_until 30 grep -q waiting full.out

page=$class/cell1/virtio/fifteen-letters
expect "driver's status" "$(sys cell1.fifteen-letters/driver_status)" \
	"acknowledge driver features-ok driver-ok"
expect "lines of 16 queues" "$(grep -c '^QUEUE' $page)" 80
expect "queue 15" "$(grep '^QUEUE15_' $page | cut -d= -f2 | xargs)" "1 1024 32768 31744 1024"
expect "queue 15's folder" "$(cat $class/cell1.fifteen-letters/queue15/* | xargs)" \
	"0x402f0000 0x402f8000 0x402f4000 1024 1024 32768 1 1024 31744"
expect "notifications" "$(sys cell1.fifteen-letters/notifications)" 16
# Loads do not exit: 8 stores to negotiate, 6 for each queue, 16 notifications, to
# select the queue that is not there, to be ready, and the reset that waits.
expect "exits" "$(sys cell1.fifteen-letters/exits)" $((8 + 16 * 6 + 16 + 1 + 1 + 1))
# Counters of the kernel are small yet: 15 digits are thirty years of a million a second,
# which make 14 where 32 share them.
most=$(awk -F= '/_NS=/ { n += length($1) + 2; for (i = 0; i < 32; i++) n += length(i) + 16; next }
	/^[A-Z_]*=[0-9]*$/ && length($2) < 15 { n += length($1) + 17; next }
	{ n += length($0) + 1 } END { print n }' $page)
echo "a device's page: $(wc -c <$page) bytes now, $most at most"
[ "$most" -lt 4096 ] || fail "more than a page"
echo "ok full-page"

sed -E 's/,[0-9]+,(load|store)$/,AGE,\1/' $class/cell1/virtio/pending | tee pending
expect pending "$(xargs <pending)" "CPU0=fifteen-letters,reset,0xa000070,4,AGE,store \
CPU1=echo0,load,0xb000008,8,AGE,load CPU2=echo0,store,0xb000010,2,AGE,store"
# Sixteen CPUs that wait as long as a number can tell, and all devices that quiesce.
most=$((16 * ($(wc -L <$class/cell1/virtio/pending) + 27) + 32 * 50))
[ $most -lt 4096 ] || fail "pending may be $most bytes"
read_all || fail "grep while CPUs wait: $(head -n 3 all.err)"
echo "ok pending"

# Each waited about as long as the test did; the doorbell was read before that.
age=$(sed -n 's/.*,\([0-9]*\),[a-z]*$/\1/p' $class/cell1/virtio/pending | sort -n | head -n 1)
echo >&5
wait_until 20 grep -q answered full.out
wait_until 10 state_is cell1 stopped
waited=$(sys cell1.echo0/blocking_ns)
expect "latencies of two accesses" "$(sum <(tr ' ' '\n' <<<"$waited" | cut -d: -f2))" 2
[ $((2 ** (${waited%%:*} + 1))) -ge $((age * 1000000)) ] || [ "${waited%%:*}" = 31 ] ||
	fail "waited $age ms, counted $waited"
grep -qE '^[0-9]+:[1-9][0-9]*( |$)' $class/cell1.fifteen-letters/notification_ns ||
	fail "latencies of notifications: $(sys cell1.fifteen-letters/notification_ns)"
expect "the reset" "$(sys cell1.fifteen-letters/driver_status)" ""
exec 5>&-
wait $program || fail "full-page"
shyper cell destroy wide >/dev/null || fail "destroy wide"
unchanged "$before"
echo "ok latencies"
