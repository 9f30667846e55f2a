/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_KERNELS_CONVOLUTIONS_H
#define TEST_KERNELS_CONVOLUTIONS_H

#include "rows.h"

void check_conv3x3 (const Pair *pair);
void check_conv3x3_wide (const Pair *pair);
void check_conv3x3_fine (const Pair *pair);
void check_fine_find (const Pair *pair);
void check_conv1x1 (const Pair *pair);
void check_conv3x3_stride2 (const Pair *pair);
void check_conv_any (const Pair *pair);
void check_depthwise (const Pair *pair);
void check_pick (const Pair *pair);
void check_conv_position (const Pair *pair);
void check_conv_epilogue (const Pair *pair);

#endif
