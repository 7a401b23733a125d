# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A machine for one test case: boots once for each configuration, saves it, and
# starts cases from there. Sourced by tests/system/root-run.
#
# A snapshot is a folder build/snapshots/KEY: the frozen overlays of the two
# disks, links to what they are based on, and the machine's state as a migration
# stream. Cases share its lock while they run, so that it is not removed.
#
# Uses: images cpus mem plain bootargs init (path of root's, or none) net (1: with a
# network card) mode (icount, mttcg or none), case_dir.

. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
. "$top/scripts/qemu.sh"
snapshots=$build/snapshots
boot_limit=${SHYPER_BOOT_LIMIT:-240}

vm_fail() {
	printf 'root-run: %s\n' "$*" >&2
	exit 125
}

# vm_inputs: what a booted machine is made of, as one word that changes with it.
vm_inputs() {
	local files=("$images"/{root.img,root-initrd.img,vmlinuz} "$build/images/data.img")
	{
		stat -c '%n %s %y %i' "${files[@]}" "$hypervisor" 2>/dev/null
		cat "$top/scripts/qemu.sh" "${BASH_SOURCE[0]}"
	} | sha256sum | cut -c 1-16
}

# boot_mode: how a machine boots whose case runs in $mode. With a thread for each
# CPU on fewer cores, CPUs that wait for one another burn the time of those they
# wait for: four times the work to boot. What is saved is the same.
boot_mode() {
	[ "$mode" != mttcg ] || echo default
	[ "$mode" = mttcg ] || echo "$mode"
}

# vm_key INPUTS: the name of the snapshot of these in this configuration.
vm_key() {
	echo "$1 $cpus $mem $plain $(boot_mode) $bootargs $init $net" | sha256sum | cut -c 1-16
}

# vm_args DIR: the machine, with its disks in DIR and its chardevs in case_dir.
vm_args() {
	local dir=$1 port hypervisor=$1/hvisor.img still=''
	# With one CPU at a time nothing can come while it looks.
	[ "$mode" != icount ] || still=' systemd.setenv=SHYPER_POLL=0'
	qemu_args "$dir" "$cpus" "$mem" "$plain" "$bootargs" \
		"loglevel=5 shyper.agent systemd.show_status=0$still${init:+ init=$init}"
	qemu_disk 1 root "file=$case_dir/root.qcow2,format=qcow2,cache=unsafe"
	qemu_disk 2 data "file=$case_dir/data.qcow2,format=qcow2,cache=unsafe"
	qemu_disk 3 job "file=$case_dir/job.tar,format=raw,readonly=on,cache=none"
	qemu+=(-no-reboot -device virtio-serial-pci,addr=4
		-serial "file:$case_dir/serial.log"
		-chardev "pipe,id=monitor,path=$case_dir/monitor" -mon chardev=monitor
		-chardev "pipe,id=control,path=$case_dir/control"
		-device virtserialport,chardev=control,name=control)
	for port in stdout stderr files; do
		qemu+=(-chardev "file,id=$port,path=$case_dir/$port"
			-device "virtserialport,chardev=$port,name=$port")
	done
	[ "$net" = 0 ] || qemu+=(-device virtio-net-pci,netdev=net,addr=5,romfile=
		-netdev "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:$top/tests/lib/http-stream")
	case $mode in
	icount) qemu+=(-icount shift=0,sleep=off -rtc base=2024-01-01,clock=vm) ;;
	mttcg) qemu+=(-accel tcg,thread=multi) ;;
	*) qemu+=(-accel tcg,thread=single) ;;
	esac
}

# vm_start [OPTION...]: start QEMU; its end of each fifo is open from then on.
vm_start() {
	mkfifo "$case_dir"/{control,monitor}.{in,out}
	# Opened for both directions, a fifo neither blocks nor ends.
	exec {control_in}<>"$case_dir/control.in" {control_out}<>"$case_dir/control.out"
	exec {monitor_in}<>"$case_dir/monitor.in"
	cat "$case_dir/monitor.out" >"$case_dir/monitor.log" &
	"${qemu[@]}" "$@" </dev/null >"$case_dir/qemu.log" 2>&1 &
	vm_pid=$!
}

vm_stop() {
	kill "$vm_pid" 2>/dev/null || true
	wait "$vm_pid" 2>/dev/null || true
}

# vm_line LIMIT: the next line of the agent in `line`, within LIMIT seconds.
# Returns 124 at the limit; fails the case when the machine is gone or EL2 died.
vm_line() {
	local end=$((SECONDS + $1)) part=''
	# What a read that times out has got so far is not left for the next one.
	while ! read -r -t 0.5 -u "$control_out" line; do
		part=$part$line
		kill -0 "$vm_pid" 2>/dev/null || vm_ended
		vm_check_el2
		[ "$SECONDS" -lt "$end" ] || return 124
	done
	line=$part$line
}

# vm_ended: fails the case, since QEMU is gone; so it is after a panic of EL2's, too.
vm_ended() {
	vm_check_el2
	vm_fail "QEMU ended before the case did ($(vm_last_words))"
}

vm_last_words() {
	{ grep -av '^$' "$case_dir/qemu.log" || tail -n 1 "$case_dir/serial.log"; } |
		tail -n 1 | tr -d '\r'
}

vm_check_el2() {
	local panic
	panic=$(grep -a -m 1 'hvisor: panic' "$case_dir/serial.log" 2>/dev/null) || return 0
	vm_fail "EL2 panicked: ${panic%$'\r'}"
}

# vm_check_kernel FILE: a fault that root's kernel logged fails the case.
vm_check_kernel() {
	local fault
	fault=$(grep -aEm 1 'WARNING: |BUG: |kernel BUG at|Oops|Internal error: |Unable to handle kernel|Kernel panic' \
		"$1" 2>/dev/null) || return 0
	vm_fail "root's kernel log: ${fault%$'\r'}"
}

vm_overlay() {
	qemu-img create -q -f qcow2 -b "$1" -F "$2" "$3"
}

# snapshot_make DIR: boot, wait for the agent, save. The machine is stopped first:
# what is saved of a running one under TCG does not always fit together. That it
# was stopped is left out of the stream, so that it runs when it is loaded.
snapshot_make() {
	local dir=$1 rc=0 how
	how=$(boot_mode)
	local mode=$how
	rm -rf "$dir" && mkdir -p "$dir"
	case_dir=$dir
	echo "$images" >"$dir/images"
	echo "$inputs" >"$dir/inputs"
	ln "$images"/{root.img,root-initrd.img,vmlinuz} "$build/images/data.img" "$dir/"
	[ ! -e "$hypervisor" ] || cp "$hypervisor" "$dir/hvisor.img"
	vm_overlay root.img raw "$dir/root.qcow2"
	vm_overlay data.img raw "$dir/data.qcow2"
	truncate -s 8G "$dir/job.tar"
	vm_args "$dir"
	vm_start -global migration.store-global-state=off
	trap vm_stop EXIT
	vm_line "$boot_limit" || rc=$?
	[ $rc = 0 ] || vm_fail "root did not reach its normal state in $boot_limit s"
	vm_check_kernel "$dir/serial.log"
	cat >&"$monitor_in" <<-EOF
		stop
		migrate_set_parameter max-bandwidth 64G
		migrate "exec:cat >$dir/state"
		quit
	EOF
	rc=0
	wait "$vm_pid" || rc=$?
	trap - EXIT
	[ $rc = 0 ] || vm_fail "QEMU failed while its state was saved ($(vm_last_words))"
	rm -f "$dir"/{control,monitor}.{in,out} "$dir/job.tar" \
		"$dir"/{stdout,stderr,files}
	: >"$dir/ready"
}

# snapshot_get: sets `snapshot`, made if need be, and holds it until this ends.
snapshot_get() {
	local inputs
	inputs=$(vm_inputs)
	snapshot=$snapshots/$(vm_key "$inputs")
	mkdir -p "$snapshots"
	exec {snapshot_lock}>"$snapshot.lock"
	flock -s "$snapshot_lock"
	# One makes it. To wait for the lock alone would be to wait for cases that use it.
	while [ ! -e "$snapshot/ready" ]; do
		flock -u "$snapshot_lock"
		if flock -n -x "$snapshot_lock" && [ ! -e "$snapshot/ready" ]; then
			snapshot_prune
			( snapshot_make "$snapshot" ) ||
				vm_fail "booting failed; logs are in $snapshot"
		fi
		sleep 0.1
		flock -s "$snapshot_lock"
	done
}

# snapshot_prune: remove those of other inputs, for these images, that nobody uses.
snapshot_prune() {
	local dir
	for dir in "$snapshots"/*/; do
		dir=${dir%/}
		[ "$(cat "$dir/images" 2>/dev/null)" = "$images" ] || continue
		[ "$(cat "$dir/inputs")" != "$inputs" ] || continue
		( flock -n -x 8 || exit 0; rm -rf "$dir" ) 8>"$dir.lock"
	done
}
