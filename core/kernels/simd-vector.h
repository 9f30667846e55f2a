/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Vectors of all widths, in GNU vector extensions. The includer defines VECTOR_FLOATS,
 * VECTOR_REGISTERS and VECTOR_REGISTER: see simd.h. */

#include "kernels.h"

#include <string.h>

typedef float Vec __attribute__ ((vector_size (4 * VECTOR_FLOATS)));
typedef gint32 VecInt __attribute__ ((vector_size (4 * VECTOR_FLOATS)));
/* An unaligned vector. */
typedef Vec VecAt __attribute__ ((aligned (4), may_alias));

#define INLINE static inline __attribute__ ((always_inline))

INLINE Vec
load (const float *from)
{
  return *(const VecAt *) from;
}

INLINE void
store (float *to, Vec v)
{
  *(VecAt *) to = v;
}

INLINE Vec
splat (float value)
{
  return value - (Vec){0};
}

/* mask ? a : b, lane by lane; mask is all ones or all zeros. */
INLINE Vec
choose (VecInt mask, Vec a, Vec b)
{
  return (Vec) (((VecInt) a & mask) | ((VecInt) b & ~mask));
}

/* Output channels are computed in blocks of nearly equal size, at most `most`. */
INLINE guint
n_blocks (guint channels, guint most)
{
  return (channels + most - 1) / most;
}

INLINE guint
block_size (guint channels, guint most, guint block)
{
  guint n = n_blocks (channels, most);
  return channels / n + (block < channels % n);
}

/* Pixel `x` of a row relative to column 0: its run, and its place in it. */
INLINE gssize
pixel_at (gssize x, gsize run)
{
  gssize phase = x & 3;
  return phase * (gssize) run + (x - phase) / 4;
}

/* Every second lane of two vectors. */
#if VECTOR_FLOATS == 4
#define EVEN_LANES 0, 2, 4, 6
#elif VECTOR_FLOATS == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#endif

/* Floats of the four runs of the widest pooled row. */
#define POOLED_ROW (RFDN_MAX_SIZE / 6 + 8 * (RFDN_RUN_ALIGN + RFDN_RUN_SLACK))
