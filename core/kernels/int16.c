/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "int16.h"

#include <math.h>

#include "../alloc.h"

/* Compiled without fused multiplications and additions: see kernels/meson.build. */

/* G g G' of one filter. */
static void
transform (double u[RFDN_INT16_POSITIONS], const double g[9])
{
  static const double G[6][3] = {
      {1.0 / 4, 0, 0},
      {-1.0 / 6, -1.0 / 6, -1.0 / 6},
      {-1.0 / 6, 1.0 / 6, -1.0 / 6},
      {1.0 / 24, 1.0 / 12, 1.0 / 6},
      {1.0 / 24, -1.0 / 12, 1.0 / 6},
      {0, 0, 1.0 / 4},
  };

  for (guint r = 0; r < 6; r++) {
    double half[3];
    for (guint x = 0; x < 3; x++)
      half[x] = G[r][0] * g[x] + G[r][1] * g[3 + x] + G[r][2] * g[6 + x];
    for (guint j = 0; j < 6; j++)
      u[6 * r + j] = half[0] * G[j][0] + half[1] * G[j][1] + half[2] * G[j][2];
  }
}

#define MAX_POSITIONS (RFDN_MAX_KERNEL * RFDN_MAX_KERNEL)
G_STATIC_ASSERT (MAX_POSITIONS >= RFDN_INT16_POSITIONS);

/* The filters of one output channel, in units of the inputs' steps. */
typedef struct {
  const float *weights; /* [in][taps] */
  const float *in_steps;
  guint in_channels, taps;
  gboolean transformed;
} Channel;

/* A weight in units of the input's step. */
static double
get_weight (const Channel *self, guint i, guint k)
{
  return (double) self->weights[i * self->taps + k] * (double) self->in_steps[i];
}

static guint
get_positions (const Channel *self)
{
  return self->transformed ? RFDN_INT16_POSITIONS : self->taps;
}

/* get_positions() numbers of input i. */
static void
get_filter (const Channel *self, guint i, double u[MAX_POSITIONS])
{
  double g[9];

  if (!self->transformed) {
    for (guint k = 0; k < self->taps; k++)
      u[k] = get_weight (self, i, k);
    return;
  }
  for (guint k = 0; k < 9; k++)
    g[k] = get_weight (self, i, k);
  transform (u, g);
}

/* What V is divided by. */
static double
get_divisor (const Channel *self)
{
  return self->transformed ? 4 : 1;
}

static gint
get_min_shift (gboolean transformed)
{
  return transformed ? RFDN_INT16_MIN_SCALED_SHIFT : RFDN_INT16_MIN_SHIFT;
}

/* The largest shift at which a channel's weights and sums fit; 0 if there is none. */
static gint
find_shift (const Channel *self, double bias, double out_step, double in_limit)
{
  const double limit = self->transformed ? MIN (in_limit, RFDN_INT16_LIMIT) : in_limit;
  double largest = 0, sum = 0;

  for (guint i = 0; i < self->in_channels; i++) {
    double u[MAX_POSITIONS];
    get_filter (self, i, u);
    for (guint k = 0; k < get_positions (self); k++)
      largest = MAX (largest, fabs (u[k]));
    for (guint k = 0; k < self->taps; k++)
      sum += fabs (get_weight (self, i, k));
  }
  const gint least = get_min_shift (self->transformed);
  for (gint shift = RFDN_INT16_MAX_SHIFT; shift >= least; shift--) {
    const double unit = (double) (1 << shift) / out_step; /* of a result before the shift */
    /* 2%: rounding in the transforms can add that much. */
    if (largest * unit * get_divisor (self) <= 32767 &&
        (sum * limit + fabs (bias)) * unit * 1.02 + (1 << shift) < 2147483647.0)
      return shift;
  }
  return 0;
}

static void
fill_channel (RfdnInt16Filter *self, guint o, const Channel *channel, double bias, double out_step,
              double in_limit)
{
  const gint shift = find_shift (channel, bias, out_step, in_limit);
  const double unit = (double) (1 << shift) / out_step;
  gint16 *to = self->weights + (gsize) o * self->in_channels * self->positions;

  if (shift == 0) {
    self->fits = FALSE;
    return;
  }
  self->shift[o] = shift;
  self->bias[o] = (gint32) floor (bias * unit + 0.5) + (1 << (shift - 1));
  for (guint i = 0; i < channel->in_channels; i++) {
    double u[MAX_POSITIONS];
    get_filter (channel, i, u);
    for (guint k = 0; k < self->positions; k++)
      *to++ = (gint16) floor (u[k] * unit * get_divisor (channel) + 0.5);
  }
}

gboolean
rfdn_int16_filter_init (RfdnInt16Filter *self, const RfdnConvShape *shape, gboolean transformed,
                        const float *weights, const float *bias, const float *in_steps,
                        const float *out_steps, double in_limit)
{
  const guint taps = shape->width * shape->height;

  self->shape = *shape;
  self->in_channels = (shape->in_channels + 1) & ~1u;
  self->out_channels = (shape->out_channels + 1) & ~1u;
  self->positions = transformed ? RFDN_INT16_POSITIONS : taps;
  self->weights =
      rfdn_try_new (gint16, (gsize) self->out_channels * self->in_channels * self->positions);
  self->bias = rfdn_try_new (gint32, self->out_channels);
  self->shift = rfdn_try_new (gint32, self->out_channels);
  self->fits = TRUE;
  if (self->weights == NULL || self->bias == NULL || self->shift == NULL) {
    rfdn_int16_filter_clear (self);
    return FALSE;
  }

  for (guint o = 0; o < shape->out_channels; o++) {
    const Channel channel = {weights + (gsize) o * shape->in_channels * taps, in_steps,
                             shape->in_channels, taps, transformed};
    fill_channel (self, o, &channel, bias ? (double) bias[o] : 0, (double) out_steps[o], in_limit);
  }
  if (shape->out_channels < self->out_channels)
    self->shift[shape->out_channels] = get_min_shift (transformed);
  return TRUE;
}

void
rfdn_int16_filter_clear (RfdnInt16Filter *self)
{
  g_clear_pointer (&self->weights, g_free);
  g_clear_pointer (&self->bias, g_free);
  g_clear_pointer (&self->shift, g_free);
}
