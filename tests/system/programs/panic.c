// SPDX-License-Identifier: GPL-2.0-or-later
/* panic: makes EL2 panic, which it does if it was booted with "selftest". */
#include <stdio.h>
#include <sys/ioctl.h>

#include "common.h"

int main(void)
{
	int control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);

	ioctl(control, HVISOR_PANIC);
	perror("HVISOR_PANIC");
	return 1;
}
