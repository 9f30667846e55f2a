/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnsize.h"

#include "rfdn.h"

/* ---- whole factors -------------------------------------------------------------------------- */

/* Initialises @range to all sizes from @min to @max; FALSE when there is none. Ranges have no
 * steps, although only multiples can come out: GStreamer cannot subtract ranges of different steps,
 * and aborts when an element simplifies caps that have them. */
static gboolean
set_range (GValue *range, guint64 min, guint64 max)
{
  min = MAX (min, 1);
  if (min > max)
    return FALSE;
  if (min == max) {
    g_value_init (range, G_TYPE_INT);
    g_value_set_int (range, (gint) min);
  } else {
    g_value_init (range, GST_TYPE_INT_RANGE);
    gst_value_set_int_range (range, (gint) min, (gint) max);
  }
  return TRUE;
}

static gboolean
scale_range (const GValue *size, GValue *scaled, guint factor, gboolean enlarge)
{
  guint64 min, max;

  if (G_VALUE_HOLDS_INT (size)) {
    if (g_value_get_int (size) < 1)
      return FALSE;
    min = max = (guint64) g_value_get_int (size);
  } else {
    min = (guint64) MAX (gst_value_get_int_range_min (size), 1);
    max = (guint64) MAX (gst_value_get_int_range_max (size), 0);
  }

  /* A range that begins at 1 keeps that: subtracting another range must not leave a single number
   * beside a range, from which GStreamer cannot subtract. */
  if (enlarge)
    return set_range (scaled, min == 1 && max > 1 ? 1 : min * factor,
                      MIN (max, RFDN_MAX_SIZE) * factor);
  /* Only multiples of the factor have a smaller picture. */
  return set_range (scaled, (min + factor - 1) / factor, MIN (max / factor, RFDN_MAX_SIZE));
}

/* Initialises @scaled; FALSE, without doing so, when no size is left. */
static gboolean
scale_size (const GValue *size, GValue *scaled, guint factor, gboolean enlarge)
{
  if (G_VALUE_HOLDS_INT (size) || GST_VALUE_HOLDS_INT_RANGE (size))
    return scale_range (size, scaled, factor, enlarge);
  if (!GST_VALUE_HOLDS_LIST (size))
    return FALSE;

  g_value_init (scaled, GST_TYPE_LIST);
  for (guint i = 0; i < gst_value_list_get_size (size); i++) {
    GValue item = G_VALUE_INIT;

    if (scale_size (gst_value_list_get_value (size, i), &item, factor, enlarge))
      gst_value_list_append_and_take_value (scaled, &item);
  }
  if (gst_value_list_get_size (scaled) > 0)
    return TRUE;
  g_value_unset (scaled);
  return FALSE;
}

gboolean
gst_rfdn_size_scale (GstStructure *structure, const char *field, guint factor, gboolean enlarge)
{
  const GValue *size = gst_structure_get_value (structure, field);
  GValue scaled = G_VALUE_INIT;

  if (size == NULL) {
    GValue any = G_VALUE_INIT;
    gboolean possible;

    g_value_init (&any, GST_TYPE_INT_RANGE);
    gst_value_set_int_range (&any, 1, G_MAXINT);
    possible = scale_range (&any, &scaled, factor, enlarge);
    g_value_unset (&any);
    if (!possible)
      return FALSE;
  } else if (!scale_size (size, &scaled, factor, enlarge)) {
    return FALSE;
  }
  gst_structure_take_value (structure, field, &scaled);
  return TRUE;
}

/* ---- any size ------------------------------------------------------------------------------- */

void
gst_rfdn_size_set_any (GstStructure *structure, gint max)
{
  gst_structure_set (structure, "width", GST_TYPE_INT_RANGE, 1, max, "height", GST_TYPE_INT_RANGE,
                     1, max, NULL);
  /* Without the field, pixels are square. */
  gst_structure_set (structure, "pixel-aspect-ratio", GST_TYPE_FRACTION_RANGE, 1, G_MAXINT,
                     G_MAXINT, 1, NULL);
}

static gboolean
can_be_int (const GstStructure *structure, const char *field, gint value)
{
  const GValue *allowed = gst_structure_get_value (structure, field);
  GValue wanted = G_VALUE_INIT;
  gboolean possible;

  if (allowed == NULL)
    return TRUE;
  g_value_init (&wanted, G_TYPE_INT);
  g_value_set_int (&wanted, value);
  possible = gst_value_intersect (NULL, allowed, &wanted);
  g_value_unset (&wanted);
  return possible;
}

static gboolean
can_have_aspect (const GstStructure *structure, gint n, gint d)
{
  const GValue *allowed = gst_structure_get_value (structure, "pixel-aspect-ratio");
  GValue wanted = G_VALUE_INIT;
  gboolean possible;

  if (allowed == NULL)
    return TRUE;
  g_value_init (&wanted, GST_TYPE_FRACTION);
  gst_value_set_fraction (&wanted, n, d);
  possible = gst_value_intersect (NULL, allowed, &wanted);
  g_value_unset (&wanted);
  return possible;
}

/* For square pixels the field may be left out if neither side has it. */
static void
set_aspect (GstStructure *structure, gint n, gint d)
{
  if (n != d || gst_structure_has_field (structure, "pixel-aspect-ratio"))
    gst_structure_set (structure, "pixel-aspect-ratio", GST_TYPE_FRACTION, n, d, NULL);
}

gboolean
gst_rfdn_size_set (GstStructure *structure, const GstRfdnSize *size, guint factor)
{
  const gint width = size->width * (gint) factor, height = size->height * (gint) factor;

  if (!can_be_int (structure, "width", width) || !can_be_int (structure, "height", height) ||
      !can_have_aspect (structure, size->par_n, size->par_d))
    return FALSE;
  gst_structure_set (structure, "width", G_TYPE_INT, width, "height", G_TYPE_INT, height, NULL);
  set_aspect (structure, size->par_n, size->par_d);
  return TRUE;
}

static gint
round_to (double value, gint step)
{
  return MAX ((gint) (value / step + 0.5), 1) * step;
}

static gint
fixate_near (GstStructure *structure, const char *field, gint wanted)
{
  gint got = wanted;

  if (!gst_structure_has_field (structure, field))
    gst_structure_set (structure, field, G_TYPE_INT, wanted, NULL);
  gst_structure_fixate_field_nearest_int (structure, field, wanted);
  gst_structure_get_int (structure, field, &got);
  return got;
}

/* A pixel aspect ratio that keeps the display aspect, unless rounding explains the difference. */
static void
correct_aspect (GstStructure *structure, const GstRfdnSize *size, gint width, gint height)
{
  gint n, d;

  if (!gst_util_fraction_multiply (size->width, size->height, height, width, &n, &d) ||
      !gst_util_fraction_multiply (n, d, size->par_n, size->par_d, &n, &d))
    return;
  if (gst_structure_has_field (structure, "pixel-aspect-ratio"))
    gst_structure_fixate_field_nearest_fraction (structure, "pixel-aspect-ratio", n, d);
}

/* How far a size is from the display aspect, in either direction. */
static double
get_distortion (gint width, gint height, double ratio)
{
  const double stretch = width / (height * ratio);

  return stretch > 1 ? stretch - 1 : 1 / stretch - 1;
}

/* Width over height of a frame of such pixels that keeps the display aspect. */
static double
get_ratio (const GstRfdnSize *size, gint par_n, gint par_d)
{
  return (double) size->width * size->par_n * par_d / ((double) size->height * size->par_d * par_n);
}

/* Chooses a height for a nearby width, and then a width for that height; with `swapped` the other
 * way round. Fixed fields stay. */
static GstStructure *
fit (const GstStructure *shape, const GstRfdnSize *size, double ratio, gint wanted,
     gboolean swapped)
{
  const char *one = swapped ? "height" : "width", *other = swapped ? "width" : "height";
  const gint step = swapped ? size->step_x : size->step_y;
  const double factor = swapped ? ratio : 1 / ratio;
  GstStructure *first = gst_structure_copy (shape), *fitted = gst_structure_copy (shape);
  gint a = fixate_near (first, one, wanted), b;

  b = fixate_near (first, other, round_to (a * factor, step));
  /* The second may have been out of range: find the best first one for it. */
  a = fixate_near (fitted, one,
                   2 * ABS (b - a * factor) < step
                       ? a
                       : round_to (b / factor, swapped ? size->step_y : size->step_x));
  fixate_near (fitted, other, b);
  gst_structure_free (first);
  return fitted;
}

/* The best found so far. */
typedef struct {
  gint width, height;
  gint par_n, par_d;
  double distortion;
  gboolean keeps_shape; /* except for rounding */
} Fit;

/* Tries pixels of one shape, beginning with a width or a height. */
static void
try_from (Fit *best, const GstStructure *shape, const GstRfdnSize *size, gint wanted,
          gboolean swapped)
{
  Fit found = {.par_n = size->par_n, .par_d = size->par_d};
  GstStructure *fitted;
  double ratio;

  gst_structure_get_fraction (shape, "pixel-aspect-ratio", &found.par_n, &found.par_d);
  ratio = get_ratio (size, found.par_n, found.par_d);
  fitted = fit (shape, size, ratio, wanted, swapped);
  gst_structure_get_int (fitted, "width", &found.width);
  gst_structure_get_int (fitted, "height", &found.height);
  gst_structure_free (fitted);
  found.distortion = get_distortion (found.width, found.height, ratio);
  found.keeps_shape = 2 * ABS (found.width - found.height * ratio) <= size->step_x ||
                      2 * ABS (found.height - found.width / ratio) <= size->step_y;
  if (found.distortion < best->distortion - 1e-9)
    *best = found;
}

/* As near to the factor as possible; if that does not keep the shape, each number of a list. */
static void
try_pixels (Fit *best, const GstStructure *shape, const GstRfdnSize *size, guint factor)
{
  const gint height = size->height * (gint) factor;
  gint par_n = size->par_n, par_d = size->par_d;

  gst_structure_get_fraction (shape, "pixel-aspect-ratio", &par_n, &par_d);
  try_from (best, shape, size, round_to (height * get_ratio (size, par_n, par_d), size->step_x),
            FALSE);
  try_from (best, shape, size, height, TRUE);
  for (guint swapped = 0; swapped <= 1; swapped++) {
    const GValue *sizes = gst_structure_get_value (shape, swapped ? "height" : "width");

    if (sizes == NULL || !GST_VALUE_HOLDS_LIST (sizes))
      continue;
    for (guint i = 0; i < gst_value_list_get_size (sizes) && !best->keeps_shape; i++) {
      const GValue *one = gst_value_list_get_value (sizes, i);

      if (G_VALUE_HOLDS_INT (one))
        try_from (best, shape, size, g_value_get_int (one), swapped);
    }
  }
}

void
gst_rfdn_size_fit (GstStructure *structure, const GstRfdnSize *size, guint factor)
{
  const GValue *shapes = gst_structure_get_value (structure, "pixel-aspect-ratio");
  const guint n_shapes =
      shapes != NULL && GST_VALUE_HOLDS_LIST (shapes) ? gst_value_list_get_size (shapes) : 0;
  Fit best = {.distortion = G_MAXDOUBLE};

  /* The input's pixel aspect ratio first; then others that are listed. */
  for (guint i = 0; i <= n_shapes && !best.keeps_shape; i++) {
    GstStructure *shape = gst_structure_copy (structure);

    if (i > 0)
      gst_structure_set_value (shape, "pixel-aspect-ratio",
                               gst_value_list_get_value (shapes, i - 1));
    if (shapes != NULL)
      gst_structure_fixate_field_nearest_fraction (shape, "pixel-aspect-ratio", size->par_n,
                                                   size->par_d);
    try_pixels (&best, shape, size, factor);
    gst_structure_free (shape);
  }

  gst_structure_set (structure, "width", G_TYPE_INT, best.width, "height", G_TYPE_INT, best.height,
                     NULL);
  if (best.keeps_shape || n_shapes > 0)
    set_aspect (structure, best.par_n, best.par_d);
  else
    correct_aspect (structure, size, best.width, best.height);
}

/* ---- borders -------------------------------------------------------------------------------- */

static gint
align (gint value, gint step)
{
  return value / step * step;
}

GstVideoRectangle
gst_rfdn_size_place (const GstVideoInfo *in, const GstVideoInfo *out, gboolean add_borders)
{
  const gint step_x = 1 << GST_VIDEO_FORMAT_INFO_W_SUB (out->finfo, 1);
  const gint step_y = 1 << GST_VIDEO_FORMAT_INFO_H_SUB (out->finfo, 1);
  const double ratio =
      (double) in->width * in->par_n * out->par_d / ((double) in->height * in->par_d * out->par_n);
  GstVideoRectangle picture = {.w = out->width, .h = out->height};

  if (!add_borders)
    return picture;
  if (out->height * ratio <= out->width - step_x)
    picture.w = MIN (round_to (out->height * ratio, step_x), out->width);
  else if (out->width / ratio <= out->height - step_y)
    picture.h = MIN (round_to (out->width / ratio, step_y), out->height);
  picture.x = align ((out->width - picture.w) / 2, step_x);
  picture.y = align ((out->height - picture.h) / 2, step_y);
  return picture;
}
