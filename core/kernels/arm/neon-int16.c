/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define VECTOR_FLOATS 4
#define VECTOR_REGISTERS 32
#define VECTOR_REGISTER "w"
#define KERNELS_NAME rfdn_kernels_neon_int16
#define KERNELS_CPU RFDN_CPU_NEON
#include "../simd-int16.h"
