# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A private apt, below the build folder, for arm64 packages; sourced, not run.
#
# It uses the host's sources, keys and proxy settings, of the sources only
# Debian's own, and neither reads nor writes the host's package state. The
# status file is empty, so "install" resolves to a package and everything
# that it depends on; the packages are then unpacked, never configured.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
apt=$build/apt
etc_apt=${SHYPER_ETC_APT:-/etc/apt}
suites='^(bookworm|bookworm-updates|bookworm-security)/?$'

# debian_sources: the host's sources of Debian 12 as one-line entries. Those of
# third parties differ in suite, in component, or in the key they are signed by.
debian_sources() {
	cat "$etc_apt/sources.list" "$etc_apt"/sources.list.d/*.list 2>/dev/null |
	awk -v suites="$suites" '
		$1 != "deb" { next }
		{ opt = ""; line = $0; sub(/#.*/, "", line) }
		match(line, /\[[^]]*\]/) {
			opt = substr(line, RSTART, RLENGTH)
			line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
		}
		{ n = split(line, f, /[ \t]+/) }
		f[3] !~ suites || line !~ /[ \t]main([ \t]|$)/ { next }
		opt ~ /signed-by/ && opt !~ /debian-archive/ { next }
		{ key = match(opt, /signed-by=[^] \t]*/) ? "[" substr(opt, RSTART, RLENGTH) "] " : ""
		  print "deb " key f[2], f[3], "main" }'
	for f in "$etc_apt"/sources.list.d/*.sources; do
		[ -e "$f" ] && { cat "$f"; echo; }
	done | grep -v '^#' | awk -v RS= -v suites="$suites" '
		{ uris = st = key = ""; comps = " "; types = off = ""
		  n = split($0, l, "\n")
		  for (i = 1; i <= n; i++) {
			v = l[i]; sub(/^[^:]*:[ \t]*/, "", v)
			k = tolower(l[i]); sub(/:.*/, "", k)
			if (k == "uris") uris = v
			else if (k == "suites") st = v
			else if (k == "components") comps = " " v " "
			else if (k == "signed-by") key = v
			else if (k == "types") types = v
			else if (k == "enabled" && tolower(v) == "no") off = 1
		  }
		  if (off || types !~ /(^| )deb( |$)/ || comps !~ / main /) next
		  if (key != "" && key !~ /debian-archive/) next
		  if (key != "") key = "[signed-by=" key "] "
		  nu = split(uris, u, " "); ns = split(st, s, " ")
		  for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++)
			if (s[j] ~ suites) print "deb " key u[i], s[j], "main" }'
}

apt_private() {
	APT_CONFIG='' apt-get -c "$apt/apt.conf" -qq "$@"
}

# apt_init: make the private apt and fetch its package lists, once.
apt_init() {
	[ ! -e "$apt/ready" ] || return 0
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/empty"
	: >"$apt/status"
	debian_sources >"$apt/sources.list"
	[ -s "$apt/sources.list" ] ||
		die "no source of Debian 12 (bookworm main) in /etc/apt: add one, then try again"
	cat >"$apt/apt.conf" <<-EOF
		APT::Architecture "arm64";
		#clear APT::Architectures;
		APT::Architectures { "arm64"; "amd64"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		#clear Acquire::IndexTargets::deb::DEP-11;
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::State "$apt";
		Dir::State::lists "$apt/lists";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt";
		Dir::Cache::archives "$apt/archives";
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "$apt/empty";
		Dir::Etc::preferencesparts "$apt/empty";
		Debug::NoLocking "true";
		pkgCacheGen::Essential "none";
	EOF
	say "fetching Debian's package lists for arm64"
	apt_private update
	: >"$apt/ready"
}

# deb_files PACKAGE...: the archives of these packages and all they depend on.
deb_files() {
	apt_private -s install "$@" | awk -v dir="$apt/archives" '
		$1 == "Inst" { v = $3; sub(/^\(/, "", v); gsub(/:/, "%3a", v)
			sub(/:.*/, "", $2)
			match($0, /\[(arm64|amd64|all)\]/)
			a = substr($0, RSTART + 1, RLENGTH - 2)
			print dir "/" $2 "_" v "_" a ".deb" }'
}

# deb_unpack DIR PACKAGE...: unpack them and all they depend on into DIR.
deb_unpack() {
	local dir=$1 deb
	shift
	apt_private -q=1 -d -y install "$@" | grep '^Get:' >&2 || true
	usr_merge "$dir"
	for deb in $(deb_files "$@"); do
		deb_extract "$deb" "$dir"
	done
}

# deb_unpack_only DIR PACKAGE...: unpack just these, without dependencies.
deb_unpack_only() {
	local dir=$1 p
	shift
	mkdir -p "$dir"
	for p in "$@"; do
		( cd "$apt/archives" && apt_private download "$p" )
		deb_extract "$(find "$apt/archives" -name "${p%%:*}_*_*.deb" |
			sort -V | tail -n 1)" "$dir"
	done
}

deb_extract() {
	dpkg-deb --fsys-tarfile "$1" |
		tar -C "$2" -x --keep-directory-symlink --no-same-owner -p
}

# usr_merge DIR: /bin, /sbin and /lib as links into /usr, before unpacking.
usr_merge() {
	local d
	for d in bin sbin lib; do
		mkdir -p "$1/usr/$d"
		[ -e "$1/$d" ] || ln -s "usr/$d" "$1/$d"
	done
}
