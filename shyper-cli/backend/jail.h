/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A backend's jail: what is left to a process that a guest has taken over.
 */
#ifndef BACKEND_JAIL_H
#define BACKEND_JAIL_H

/*
 * Gives up, for good: root, capabilities, the file system, network, and all
 * system calls but those that serving from open descriptors takes, and of
 * ioctl() those of /dev/hvisor and @calls (0 at the end, or NULL). Returns 0 or a
 * negative errno, and has said what failed.
 */
int jail_enter(const unsigned long *calls);

#endif /* BACKEND_JAIL_H */
