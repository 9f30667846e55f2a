/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernels in 16-bit integers, once for all vector widths. Included after simd.h by the levels
 * that have them, which name the table KERNELS_INT16_NAME. */

#include "int16.h"

#include "simd-int16-ops.h"

#include "simd-int16-conv.h"
#include "simd-int16-winograd.h"

#include "simd-int16-samples.h"

const RfdnKernels KERNELS_INT16_NAME = {
    .cpu = KERNELS_CPU,
    .precision = RFDN_PRECISION_INT16,
    .conv3x3 = {int16_packed_size, conv_no_scratch, .pack_int16 = int16_pack,
                .strip = int16_conv_strip},
    .conv3x3_wide = {int16_winograd_packed_size, int16_winograd_scratch_size,
                     .pack_int16 = int16_winograd_pack, .strip = int16_winograd_strip},
    .load_row = int16_load_row,
    .store_row = int16_store_row,
};
