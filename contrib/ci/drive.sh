# A new self-encrypting drive for a script, to be read into it by `. drive.sh`:
#
#	. drive.sh
#	fdelab_drive
#
# As root, on a Linux with the module nvme-tcp, fdelab_drive makes a drive, serves it by NVMe/TCP, connects it, sets and
# exports OPAL2_DEV, OPAL2_PSID_FILE and FDELAB_SOCKET, and has the shell disconnect and remove the drive when it ends
# (trap EXIT; a script with a trap of its own calls fdelab_end in it). with-drive, beside this file, says what the
# variables FDELAB, FDELAB_CREATE, FDELAB_SIZE, FDELAB_SECTORS, FDELAB_TRACE and FDELAB_KEEP are: its options.
#
# Every name in it begins with fdelab_. It is for any shell of POSIX.

fdelab_cannot() { echo "fdelab: $1" >&2; exit 3; }
fdelab_failed() { echo "fdelab: $1" >&2; exit 125; }

# fdelab_absolute prints a path that also holds in another folder.
fdelab_absolute() {
	case $1 in
	/*) echo "$1" ;;
	*) echo "$PWD/$1" ;;
	esac
}

# fdelab_find sets fdelab to the program.
fdelab_find() {
	fdelab=${FDELAB:-}
	if [ -z "$fdelab" ]; then
		if [ -n "${here:-}" ] && [ -x "$here/fdelab" ]; then
			fdelab=$here/fdelab
		else
			fdelab=$(command -v fdelab) || fdelab_cannot "no program fdelab on PATH: set FDELAB to its path"
		fi
	fi
	fdelab=$(fdelab_absolute "$fdelab")
	[ -x "$fdelab" ] || fdelab_cannot "$fdelab is no program"
}

# fdelab_can_connect: may and can this machine connect drives by NVMe/TCP?
fdelab_can_connect() {
	[ "$(id -u)" = 0 ] || return 1
	[ -c /dev/nvme-fabrics ] && [ -d /sys/module/nvme_tcp ] && return 0
	modprobe nvme-tcp 2>/dev/null && [ -c /dev/nvme-fabrics ]
}

# fdelab_serve makes and serves a drive, in a folder that fdelab_end removes.
fdelab_serve() {
	fdelab_find
	fdelab_work=$(mktemp -d) fdelab_pid='' fdelab_disk=''
	trap fdelab_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	FDELAB_SOCKET=$fdelab_work/drives.sock
	OPAL2_PSID_FILE=$fdelab_work/psid
	fdelab_file=${FDELAB_KEEP:-$fdelab_work}/disk.drive
	[ -z "${FDELAB_KEEP:-}" ] || mkdir -p "$FDELAB_KEEP"
	export FDELAB_SOCKET OPAL2_PSID_FILE
	"$fdelab" serve "$fdelab_file" --create "${FDELAB_CREATE:-opal}" --size "${FDELAB_SIZE:-1G}" --sectors "${FDELAB_SECTORS:-4096}" \
		--socket "$FDELAB_SOCKET" --nvme-tcp 127.0.0.1:0 --psid-file "$OPAL2_PSID_FILE" --ready-file "$fdelab_work/ready" \
		${FDELAB_TRACE:+--trace "$FDELAB_TRACE"} >/dev/null &
	fdelab_pid=$!
	until [ -e "$fdelab_work/ready" ]; do
		kill -0 "$fdelab_pid" 2>/dev/null || {
			fdelab_code=0
			wait "$fdelab_pid" || fdelab_code=$?
			fdelab_pid=''
			[ "$fdelab_code" != 2 ] || exit 2 # fdelab has said what is wrong with the size or another value
			fdelab_failed "the drive is not served"
		}
		sleep 0.1
	done
	fdelab_port=$(sed 's/.*"port":"\([0-9]*\)".*/\1/' "$fdelab_work/ready")
	fdelab_nqn=$(sed 's/.*"nqn":"\([^"]*\)".*/\1/' "$fdelab_work/ready")
}

# fdelab_drive is fdelab_serve, and the drive connected.
fdelab_drive() {
	fdelab_can_connect || fdelab_cannot "drives cannot be connected here: it takes root and the module nvme-tcp of Linux"
	fdelab_serve
	fdelab_uuid=$(cat /proc/sys/kernel/random/uuid)
	exec 9<>/dev/nvme-fabrics
	printf 'transport=tcp,traddr=127.0.0.1,trsvcid=%s,nqn=%s,hostnqn=nqn.2014-08.org.nvmexpress:uuid:%s,hostid=%s,reconnect_delay=1' \
		"$fdelab_port" "$fdelab_nqn" "$fdelab_uuid" "$fdelab_uuid" >&9 || fdelab_failed "the drive cannot be connected: see dmesg"
	fdelab_disk=$(sed -n 's/.*instance=\([0-9]*\).*/nvme\1/p' <&9)
	exec 9>&-
	[ -n "$fdelab_disk" ] || fdelab_failed "the kernel names no controller for the drive"
	fdelab_n=0
	until [ -b "/dev/${fdelab_disk}n1" ]; do
		fdelab_n=$((fdelab_n + 1))
		[ "$fdelab_n" -lt 600 ] || fdelab_failed "there is no /dev/${fdelab_disk}n1 a minute after the drive was connected"
		sleep 0.1
	done
	OPAL2_DEV=/dev/${fdelab_disk}n1
	export OPAL2_DEV
}

# fdelab_end disconnects and removes the drive. It keeps the exit code; but with-drive sets fdelab_before until its
# command has run, so that no failure before is taken for one of the command.
fdelab_end() {
	fdelab_code=$?
	trap - EXIT
	[ -z "${fdelab_before:-}" ] || case $fdelab_code in
	2 | 3 | 129 | 130 | 143) ;;
	*) fdelab_code=125 ;;
	esac
	if [ -n "${fdelab_disk:-}" ] && [ -e "/sys/class/nvme/$fdelab_disk" ]; then
		echo 1 >"/sys/class/nvme/$fdelab_disk/delete_controller" 2>/dev/null || :
	fi
	if [ -n "${fdelab_pid:-}" ]; then
		kill -INT "$fdelab_pid" 2>/dev/null || :
		wait "$fdelab_pid" 2>/dev/null || :
	fi
	[ -z "${fdelab_work:-}" ] || rm -rf "$fdelab_work"
	exit $fdelab_code
}
