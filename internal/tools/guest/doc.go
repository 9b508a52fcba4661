// Guest is a Linux kernel in QEMU that uses a drive of fdelab serve as its disk, and judges it.
//
// On the host it packs itself, as /init, and kernel modules into an initramfs:
//
//	guest pack initrd.cpio MODULE.ko.xz...
//
// As process 1 it loads the modules, connects the drive that the kernel's command line names
// (fdelab.nqn=, fdelab.addr=, fdelab.port=), tries it, prints a line "ok" or "not ok" for each thing tried and "N
// passed, N failed", and switches the machine off. It speaks with the drive by the kernel's block device, the
// ioctls of sed-opal and the passthrough of NVMe alone: none of the project's code is in between.
package main
