/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error numbers of EL2: Linux's values, since root sees them. */
#ifndef HV_ERRNO_H
#define HV_ERRNO_H

#define EPERM		1
#define ENOENT		2
#define EIO		5
#define E2BIG		7
#define EAGAIN		11
#define ENOMEM		12
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EINVAL		22
#define ENOSPC		28
#define ERANGE		34
#define ENOSYS		38
#define ENOTCONN	107
#define ESTALE		116

#endif /* HV_ERRNO_H */
