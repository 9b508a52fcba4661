// Guest judges a drive of fdelab serve from inside a Linux that has connected it by NVMe/TCP: contrib/ci/with-drive
// boots that Linux, and contrib/guest/judge has it run this program.
//
//	guest [WORD...]
//
// It prints a line "ok" or "not ok" for each thing tried. With words it tries only what has one of them in its name.
// The drive is $OPAL2_DEV, and is meant to be /dev/nvme0n1.
//
// It speaks with the drive by the kernel's block device, the ioctls of sed-opal, the passthrough of NVMe, and by the
// programs cryptsetup, nvme, sedutil-cli and fio: none of the project's code is in between. Of the host it asks to take
// the drive's power, and to put a copy of the drive's file aside before and after each cryptographic erase, in which
// the thief looks for keys when the guest is gone.
package main
