/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OPS_H
#define RFDN_OPS_H

#include "op.h"

/* The operations that there are. */
extern const RfdnOp rfdn_op_conv1x1;
extern const RfdnOp rfdn_op_conv3x3;         /* padded */
extern const RfdnOp rfdn_op_conv3x3_stride2; /* FRAME -> HALF, not padded */
extern const RfdnOp rfdn_op_max_pool;        /* HALF -> POOLED: 7x7 every 3 pixels */

#endif
