/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stabilizer, compared with its definition, pixel by pixel; and whether it does what it is for.
 */

#include <stdlib.h>
#include <string.h>

#include "rfdn-filters.h"

typedef struct {
  guint width, height, scale, channels;
  RfdnSampleFormat format;
  gsize step; /* samples from one pixel to the next, in and out */
} Case;

/* Samples of all channels, interleaved if step is not 1, else one plane after the other. */
typedef struct {
  guint width, height;
  guint16 *samples; /* as numbers, [channel][y][x] */
} Numbers;

static Numbers
numbers_new (const Case *c, guint scale)
{
  const guint width = c->width * scale, height = c->height * scale;
  return (Numbers){width, height, g_new0 (guint16, (gsize) width * height * c->channels)};
}

static guint16 *
at (const Numbers *numbers, guint channel, gint x, gint y)
{
  const guint cx = (guint) CLAMP (x, 0, (gint) numbers->width - 1);
  const guint cy = (guint) CLAMP (y, 0, (gint) numbers->height - 1);

  return numbers->samples + ((gsize) channel * numbers->height + cy) * numbers->width + cx;
}

/* ---- planes --------------------------------------------------------------------------------- */

static void
store (const RfdnPlane *plane, const Case *c, guint x, guint y, guint value)
{
  guint8 *to = (guint8 *) plane->data + (gssize) y * plane->stride + x * plane->pixel_stride;

  value <<= c->format.shift;
  if (c->format.samples == RFDN_SAMPLES_U8)
    *to = (guint8) value;
  else
    *(guint16 *) (void *) to = (guint16) value;
}

static guint
load (const RfdnPlane *plane, const Case *c, guint x, guint y)
{
  const guint8 *from =
      (const guint8 *) plane->data + (gssize) y * plane->stride + x * plane->pixel_stride;
  const guint value = c->format.samples == RFDN_SAMPLES_U8 ? *from : *(const guint16 *) from;

  g_assert_cmpuint (value & ((1u << c->format.shift) - 1), ==, 0);
  return value >> c->format.shift;
}

/* Planes with a few bytes between rows. */
static guint8 *
make_planes (const Case *c, guint width, guint height, RfdnPlane planes[3])
{
  const gsize sample = c->format.samples == RFDN_SAMPLES_U8 ? 1 : 2;
  const gsize stride = width * c->step * sample + 6, size = stride * height;
  guint8 *memory = g_malloc0 (size * c->channels);

  for (guint k = 0; k < c->channels; k++)
    planes[k] = (RfdnPlane){memory + k * size, (gssize) stride, c->step * sample};
  return memory;
}

static void
fill_planes (const RfdnPlane *planes, const Case *c, const Numbers *numbers)
{
  for (guint k = 0; k < c->channels; k++) {
    for (guint y = 0; y < numbers->height; y++) {
      for (guint x = 0; x < numbers->width; x++)
        store (&planes[k], c, x, y, *at (numbers, k, (gint) x, (gint) y));
    }
  }
}

/* ---- the definition ---------------------------------------------------------------------------
 */

/* Weight of the last picture at LR pixel x, y, out of 128. */
static guint
get_weight (const Case *c, const Numbers *now, const Numbers *before, guint k, gint x, gint y,
            double amount)
{
  const gint limit = (gint) (4 * 25 * ((1u << c->format.depth) - 1) / 255);
  gint sum = 0, magnitude = 0;

  for (gint j = y - 2; j <= y + 2; j++) {
    for (gint i = x - 2; i <= x + 2; i++) {
      const gint change = *at (now, k, i, j) - *at (before, k, i, j);
      sum += change;
      magnitude += abs (change);
    }
  }
  if (magnitude == 0)
    return 128;
  const gint change = MIN (MAX (magnitude, 2 * abs (sum)), limit);
  const gint share = (gint) (amount * 128 + 0.5) * (limit - change);
  return (guint) ((float) share * (1.0f / (float) limit));
}

static guint
get_mixed (const Numbers *result, const Numbers *shown, guint k, gint x, gint y, guint weight)
{
  const gint now = *at (result, k, x, y);
  gint least = now, most = now;

  for (gint j = y - 1; j <= y + 1; j++) {
    for (gint i = x - 1; i <= x + 1; i++) {
      least = MIN (least, *at (result, k, i, j));
      most = MAX (most, *at (result, k, i, j));
    }
  }
  const gint last = CLAMP (*at (shown, k, x, y), least, most);
  return (guint) (now + (((gint) weight * (last - now) + 64) >> 7));
}

/* ---- a run -------------------------------------------------------------------------------------
 */

typedef struct {
  Case c;
  RfdnStabilizer *stabilizer;
  Numbers now, before, result, shown, expected;
  RfdnPlane in[3], out[3];
  guint8 *in_memory, *out_memory;
  gboolean has_last;
} Fixture;

static Fixture
fixture_new (const Case *c, guint n_threads)
{
  Fixture f = {.c = *c};
  g_autoptr (RfdnPool) pool = rfdn_pool_new (n_threads);
  g_autoptr (GError) error = NULL;
  const RfdnStabilizerParams params = {c->width, c->height, c->scale, c->channels, c->format, pool};

  f.stabilizer = rfdn_stabilizer_new (&params, &error);
  g_assert_no_error (error);
  f.now = numbers_new (c, 1);
  f.before = numbers_new (c, 1);
  f.result = numbers_new (c, c->scale);
  f.shown = numbers_new (c, c->scale);
  f.expected = numbers_new (c, c->scale);
  f.in_memory = make_planes (c, f.now.width, f.now.height, f.in);
  f.out_memory = make_planes (c, f.result.width, f.result.height, f.out);
  return f;
}

static void
fixture_clear (Fixture *f)
{
  rfdn_stabilizer_free (f->stabilizer);
  g_free (f->now.samples);
  g_free (f->before.samples);
  g_free (f->result.samples);
  g_free (f->shown.samples);
  g_free (f->expected.samples);
  g_free (f->in_memory);
  g_free (f->out_memory);
}

/* Runs on f->now and f->result, and compares with the definition. */
static void
check (Fixture *f, double amount)
{
  const Case *c = &f->c;
  const gint scale = (gint) c->scale;

  fill_planes (f->in, c, &f->now);
  fill_planes (rfdn_stabilizer_get_result (f->stabilizer),
               &(Case){.channels = c->channels, .format = c->format}, &f->result);
  rfdn_stabilizer_run (f->stabilizer, f->in, f->out, amount);
  for (guint k = 0; k < c->channels; k++) {
    for (gint y = 0; y < (gint) f->result.height; y++) {
      for (gint x = 0; x < (gint) f->result.width; x++) {
        const guint weight =
            f->has_last ? get_weight (c, &f->now, &f->before, k, x / scale, y / scale, amount) : 0;
        const guint expected = get_mixed (&f->result, &f->shown, k, x, y, weight);
        g_assert_cmpuint (load (&f->out[k], c, (guint) x, (guint) y), ==, expected);
        *at (&f->expected, k, x, y) = (guint16) expected;
      }
    }
  }
  const gsize small = (gsize) f->now.width * f->now.height * c->channels * sizeof (guint16);
  const gsize large = (gsize) f->result.width * f->result.height * c->channels * sizeof (guint16);
  memcpy (f->before.samples, f->now.samples, small);
  memcpy (f->shown.samples, f->expected.samples, large);
  f->has_last = TRUE;
}

/* Changes of all sizes, growing from zero at the left. */
static void
draw (Numbers *numbers, const Case *c, GRand *rand, gboolean anew)
{
  const gint max = (1 << c->format.depth) - 1;

  for (guint k = 0; k < c->channels; k++) {
    for (guint y = 0; y < numbers->height; y++) {
      for (guint x = 0; x < numbers->width; x++) {
        guint16 *sample = at (numbers, k, (gint) x, (gint) y);
        const gint most = max * (gint) x / (gint) numbers->width / 20;
        const gint level = anew ? g_rand_int_range (rand, 0, max + 1)
                                : *sample + g_rand_int_range (rand, -most, most + 1);
        *sample = (guint16) CLAMP (level, 0, max);
      }
    }
  }
}

static const Case cases[] = {
    {37, 21, 2, 1, {RFDN_SAMPLES_U8, 8, 0}, 1},   {37, 21, 1, 1, {RFDN_SAMPLES_U8, 8, 0}, 2},
    {40, 9, 3, 3, {RFDN_SAMPLES_U8, 8, 0}, 4},    {33, 14, 2, 1, {RFDN_SAMPLES_U16, 10, 6}, 1},
    {33, 14, 4, 1, {RFDN_SAMPLES_U16, 10, 0}, 2}, {30, 7, 2, 3, {RFDN_SAMPLES_U16, 16, 0}, 4},
    {1, 1, 2, 1, {RFDN_SAMPLES_U8, 8, 0}, 1},     {2, 3, 8, 1, {RFDN_SAMPLES_U8, 8, 0}, 1},
};

static void
test_definition (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (guint n_threads = 1; n_threads <= 3; n_threads++) {
      g_autoptr (GRand) rand = g_rand_new_with_seed (i);
      Fixture f = fixture_new (&cases[i], n_threads);
      for (guint n = 0; n < 6; n++) {
        draw (&f.now, &f.c, rand, n == 0 || n == 4);
        draw (&f.result, &f.c, rand, n == 0 || n == 4);
        check (&f, n == 2 ? 1 : n / 6.0);
      }
      fixture_clear (&f);
    }
  }
}

/* With the same input the picture stays the same, bit for bit, at any strength; after a reset it is
 * the new result. */
static void
test_same (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  Fixture f = fixture_new (&cases[0], 1);
  const gsize size = (gsize) f.result.width * f.result.height;

  draw (&f.now, &f.c, rand, TRUE);
  draw (&f.result, &f.c, rand, TRUE);
  check (&f, 0.5);
  draw (&f.now, &f.c, rand, FALSE);
  draw (&f.result, &f.c, rand, FALSE);
  check (&f, 0.5);
  g_assert_false (memcmp (f.shown.samples, f.result.samples, size * sizeof (guint16)) == 0);
  g_autofree guint16 *kept = g_memdup2 (f.shown.samples, size * sizeof (guint16));
  check (&f, 0.1);
  check (&f, 0);
  g_assert_cmpmem (f.shown.samples, size * sizeof (guint16), kept, size * sizeof (guint16));

  rfdn_stabilizer_reset (f.stabilizer);
  f.has_last = FALSE;
  check (&f, 1);
  g_assert_cmpmem (f.shown.samples, size * sizeof (guint16), f.result.samples,
                   size * sizeof (guint16));
  fixture_clear (&f);
}

static void
test_bad_params (void)
{
  static const RfdnStabilizerParams bad[] = {
      {0, 4, 2, 1, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, RFDN_MAX_SIZE + 1, 2, 1, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, 4, 0, 1, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, 4, RFDN_MAX_SCALE + 1, 1, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, 4, 2, 0, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, 4, 2, 4, {RFDN_SAMPLES_U8, 8, 0}, NULL},
      {4, 4, 2, 1, {RFDN_SAMPLES_U8, 10, 0}, NULL},
      {4, 4, 2, 1, {RFDN_SAMPLES_F32, 0, 0}, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (rfdn_stabilizer_new (&bad[i], &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stabilizer/definition", test_definition);
  g_test_add_func ("/stabilizer/same", test_same);
  g_test_add_func ("/stabilizer/bad-params", test_bad_params);
  return g_test_run ();
}
