/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How EL2 tells root's kernel that a cell wants something. */
#ifndef HV_DOORBELL_H
#define HV_DOORBELL_H

#include <hvisor/device.h>

#include "types.h"

/*
 * Sets @bits of the doorbell; @now is kept if they are the first. False: all of
 * them were still set, so whoever takes them has this notification too and
 * nobody needs to be told. Any CPU, as for all of them: the page is all they touch.
 */
bool doorbell_set(struct hvisor_bell_page *bell, u32 device, u32 bits, u64 now);
/* Takes @bits back, if root has not taken them. */
void doorbell_clear(struct hvisor_bell_page *bell, u32 device, u32 bits);
/* The device has a request to be looked at. */
void doorbell_request(struct hvisor_bell_page *bell, u32 device);
/* HVISOR_EVENT_* */
void doorbell_event(struct hvisor_bell_page *bell, u32 events);
/* After any of them. True: raise the cell's interrupt in root. */
bool doorbell_tell(struct hvisor_bell_page *bell);

#endif /* HV_DOORBELL_H */
