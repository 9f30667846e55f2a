/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernels, written once for all vector widths in GNU vector extensions. Each file under x86/
 * and arm/ defines the following, includes this file and is compiled with its instruction set:
 *
 * VECTOR_FLOATS     lanes of a vector: 4, 8 or 16
 * VECTOR_REGISTERS  how many vector registers there are: 16 or 32
 * VECTOR_REGISTER   the letter that asm statements name one by
 * KERNELS_NAME      the table to define
 * KERNELS_CPU       its RfdnCpu */

#include "simd-vector.h"

#include "simd-conv.h"
#include "simd-sparse.h"
#include "simd-winograd.h"
#include "simd-fine.h"
#include "simd-exp.h"

#include "simd-attention.h"
#include "simd-functions.h"
#include "simd-samples.h"

#include "simd-rows.h"

const RfdnKernels KERNELS_NAME = {
    .cpu = KERNELS_CPU,
    .conv3x3 = {conv_packed_size, conv_no_scratch, conv_pack, conv3x3_strip},
    .conv3x3_wide = {winograd_packed_size, winograd_scratch_size, winograd_pack, winograd_strip},
    .conv3x3_fine = {fine_packed_size, fine_scratch_size, fine_pack, fine_strip},
    .conv1x1 = {conv_packed_size, conv_no_scratch, conv_pack, conv1x1_strip},
    .conv3x3_stride2 = {conv_packed_size, conv_no_scratch, conv_pack, conv3x3_stride2_strip},
    .conv = {conv_packed_size, conv_no_scratch, conv_pack, conv_any_strip},
    .depthwise = {depthwise_packed_size, conv_no_scratch, depthwise_pack, sparse_strip},
    .pick = {pick_packed_size, conv_no_scratch, pick_pack, sparse_strip},
    .max_pool_row = max_pool_row,
    .upsample_row = upsample_row,
    .gate_row = gate_row,
    .function_row = function_row,
    .add_row = add_row,
    .multiply_row = multiply_row,
    .softmax_row = softmax_row,
    .load_row = load_row,
    .store_row = store_row,
    .fir_row = fir_row,
    .unpack_row = unpack_row,
    .pack_row = pack_row,
};
