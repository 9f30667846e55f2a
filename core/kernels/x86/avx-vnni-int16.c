/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define VECTOR_FLOATS 8
#define VECTOR_REGISTERS 16
#define VECTOR_REGISTER "x"
#define KERNELS_NAME rfdn_kernels_avx_vnni_int16
#define KERNELS_CPU RFDN_CPU_AVX_VNNI
#include "../simd-int16.h"
