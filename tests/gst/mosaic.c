/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mosaic.h"

Picture *
new_gray (guint width, guint height)
{
  return picture_new_printf ("format=GRAY8,width=%u,height=%u", width, height);
}

RfdnPlane
get_plane (Picture *picture)
{
  return (RfdnPlane){GST_VIDEO_FRAME_PLANE_DATA (&picture->frame, 0),
                     GST_VIDEO_FRAME_PLANE_STRIDE (&picture->frame, 0), 1};
}

GstRfdnMosaic *
new_mosaic (RfdnModel *model, RfdnModel *small, guint width, guint height)
{
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  g_autoptr (RfdnPool) pool = rfdn_pool_new (2);
  GstRfdnMosaic *mosaic;

  params.width = width;
  params.height = height;
  params.pool = pool;
  mosaic = gst_rfdn_mosaic_new (model, small, &params, NULL);
  g_assert_nonnull (mosaic);
  return mosaic;
}

void
foretell (GstRfdnMosaic *mosaic, guint most, gboolean small)
{
  GstRfdnForecast *forecast = gst_rfdn_mosaic_get_forecast (mosaic);

  forecast->whole_time = forecast->tile_time = 1e6 * HOUR;
  forecast->late = TRUE;
  forecast->whole.not_before = NEVER;
  forecast->most = most;
  forecast->calm = 0;
  forecast->small_time = small ? 1 : 10.0 * HOUR;
  forecast->is_small = small;
  forecast->small.not_before = NEVER;
}

GstRfdnWork
run_by (GstRfdnMosaic *mosaic, Picture *in, Picture *out, const gboolean *same, gint64 deadline,
        double strength)
{
  const RfdnPlane from = get_plane (in), to = get_plane (out);
  GstRfdnWork work;

  g_assert_true (gst_rfdn_mosaic_run (mosaic, &from, &to, same, deadline, strength, &work));
  return work;
}

GstRfdnWork
run_late (GstRfdnMosaic *mosaic, Picture *in, Picture *out, const gboolean *same)
{
  return run_by (mosaic, in, out, same, g_get_monotonic_time () + HOUR, 1);
}
