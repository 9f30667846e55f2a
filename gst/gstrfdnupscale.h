/* gst-rfdn - the element rfdnupscale
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_UPSCALE_H
#define GST_RFDN_UPSCALE_H

#include <gst/gst.h>
#include <gst/video/gstvideofilter.h>

G_BEGIN_DECLS

#define GST_TYPE_RFDN_UPSCALE (gst_rfdn_upscale_get_type ())
G_DECLARE_FINAL_TYPE (GstRfdnUpscale, gst_rfdn_upscale, GST, RFDN_UPSCALE, GstVideoFilter)

/**
 * GstRfdnScale:
 * @GST_RFDN_SCALE_AUTO: what downstream asks for, else the model's smallest
 * @GST_RFDN_SCALE_1: the same width and height, by a model that cleans pictures (since 0.2)
 * @GST_RFDN_SCALE_2: twice the width and height
 * @GST_RFDN_SCALE_3: three times
 * @GST_RFDN_SCALE_4: four times
 * @GST_RFDN_SCALE_5: five times (since 0.2, as are those that follow)
 * @GST_RFDN_SCALE_6: six times
 * @GST_RFDN_SCALE_7: seven times
 * @GST_RFDN_SCALE_8: eight times
 *
 * How much larger frames become. Built-in models have 2, 3 and 4; a model file has the one it was
 * made for.
 *
 * Since: 0.1
 */
typedef enum {
  GST_RFDN_SCALE_AUTO = 0,
  GST_RFDN_SCALE_1 = 1,
  GST_RFDN_SCALE_2 = 2,
  GST_RFDN_SCALE_3 = 3,
  GST_RFDN_SCALE_4 = 4,
  GST_RFDN_SCALE_5 = 5,
  GST_RFDN_SCALE_6 = 6,
  GST_RFDN_SCALE_7 = 7,
  GST_RFDN_SCALE_8 = 8,
} GstRfdnScale;

#define GST_TYPE_RFDN_SCALE (gst_rfdn_scale_get_type ())
GType gst_rfdn_scale_get_type (void);

/**
 * GstRfdnLatePolicy:
 * @GST_RFDN_LATE_POLICY_DEGRADE: leave part of the picture to a faster network or a plain filter
 * @GST_RFDN_LATE_POLICY_DROP: drop frames that are late
 * @GST_RFDN_LATE_POLICY_NEVER: enlarge every frame in full
 *
 * What to do when frames would be late.
 *
 * Since: 0.1
 */
typedef enum {
  GST_RFDN_LATE_POLICY_DEGRADE,
  GST_RFDN_LATE_POLICY_DROP,
  GST_RFDN_LATE_POLICY_NEVER,
} GstRfdnLatePolicy;

#define GST_TYPE_RFDN_LATE_POLICY (gst_rfdn_late_policy_get_type ())
GType gst_rfdn_late_policy_get_type (void);

/**
 * GstRfdnPrecision:
 * @GST_RFDN_PRECISION_FLOAT32: 32-bit floating-point numbers
 * @GST_RFDN_PRECISION_INT16: 16-bit integers
 * @GST_RFDN_PRECISION_AUTO: integers where they are possible and faster
 *
 * The numbers that a network computes with.
 *
 * Since: 0.2
 */
typedef enum {
  GST_RFDN_PRECISION_FLOAT32,
  GST_RFDN_PRECISION_INT16,
  GST_RFDN_PRECISION_AUTO,
} GstRfdnPrecision;

#define GST_TYPE_RFDN_PRECISION (gst_rfdn_precision_get_type ())
GType gst_rfdn_precision_get_type (void);

/**
 * GstRfdnChroma:
 * @GST_RFDN_CHROMA_GUIDED: edges of the colours follow those of the luma
 * @GST_RFDN_CHROMA_PLAIN: a Lanczos filter alone
 *
 * How the colours of YUV frames are enlarged, by a network that sees luma alone.
 *
 * Since: 0.2
 */
typedef enum {
  GST_RFDN_CHROMA_GUIDED,
  GST_RFDN_CHROMA_PLAIN,
} GstRfdnChroma;

#define GST_TYPE_RFDN_CHROMA (gst_rfdn_chroma_get_type ())
GType gst_rfdn_chroma_get_type (void);

GST_ELEMENT_REGISTER_DECLARE (rfdnupscale)

G_END_DECLS

#endif /* GST_RFDN_UPSCALE_H */
