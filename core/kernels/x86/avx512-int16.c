/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define VECTOR_FLOATS 16
#define VECTOR_REGISTERS 32
#define VECTOR_REGISTER "v"
#define KERNELS_NAME rfdn_kernels_avx512_int16
#define KERNELS_CPU RFDN_CPU_AVX512
#include "../simd-int16.h"
