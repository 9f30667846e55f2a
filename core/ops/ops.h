/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OPS_H
#define RFDN_OPS_H

#include "op.h"

/* The operations that there are. */
extern const RfdnOp rfdn_op_conv; /* any sides, odd, up to RFDN_MAX_KERNEL; padded */
extern const RfdnOp rfdn_op_conv1x1;
extern const RfdnOp rfdn_op_conv3x3;
extern const RfdnOp rfdn_op_conv3x3_stride2; /* FRAME -> HALF, not padded */
extern const RfdnOp rfdn_op_copy;
extern const RfdnOp rfdn_op_depthwise; /* any sides, as conv */
extern const RfdnOp rfdn_op_max_pool;  /* HALF -> POOLED: 7x7 every 3 pixels */
extern const RfdnOp rfdn_op_mean;      /* FRAME -> POINT */
extern const RfdnOp rfdn_op_mean_std;  /* FRAME -> POINT: mean plus standard deviation */
extern const RfdnOp rfdn_op_softmax;   /* see softmax.c */

#endif
