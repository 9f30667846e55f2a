/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernels in 16-bit integers, written once for all vector widths. Files that include this
 * define what simd.h asks for, and are compiled without fused multiply-add: intermediate floats are
 * then the same bits on every processor. */

#include "int16.h"

#include "simd-vector.h"

#include "simd-int16-ops.h"

#include "simd-int16-conv.h"
#include "simd-int16-direct.h"
#include "simd-int16-transforms.h"
#include "simd-int16-winograd.h"

#include "simd-int16-attention.h"

#include "simd-int16-samples.h"

#include "simd-rows.h"

#include "guide-rows.h"

const RfdnKernels KERNELS_NAME = {
    .cpu = KERNELS_CPU,
    .precision = RFDN_PRECISION_INT16,
    .conv3x3 = {int16_conv_packed_size, int16_no_scratch, .pack_int16 = int16_conv_pack,
                .strip = int16_conv3x3_strip},
    .conv3x3_wide = {int16_winograd_packed_size, int16_winograd_scratch_size,
                     .pack_int16 = int16_winograd_pack, .strip = int16_winograd_strip},
    .conv1x1 = {int16_direct_packed_size, int16_no_scratch, .pack_int16 = int16_direct_pack,
                .strip = int16_conv1x1_strip},
    .conv3x3_stride2 = {int16_direct_packed_size, int16_no_scratch, .pack_int16 = int16_direct_pack,
                        .strip = int16_stride2_strip},
    .max_pool_row = int16_max_pool_row,
    .upsample_row = int16_upsample_row,
    .gate_row = int16_gate_row,
    .load_row = int16_load_row,
    .store_row = int16_store_row,
    .fir_row = fir_row,
    .slope_row = slope_row,
    .detail_row = detail_row,
    .add_product_row = add_product_row,
};
