/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define VECTOR_FLOATS 4
#define VECTOR_REGISTERS 16
#define VECTOR_REGISTER "x"
#define KERNELS_NAME rfdn_kernels_sse2
#define KERNELS_CPU RFDN_CPU_SSE2
#include "../simd.h"
