/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arch.h"

const RfdnArch *const rfdn_archs[] = {&rfdn_arch_rfdn, &rfdn_arch_reprfn, NULL};
