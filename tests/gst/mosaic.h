/* gst-rfdn - pictures for which there is not enough time, whatever the machine
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_GST_MOSAIC_H
#define RFDN_TESTS_GST_MOSAIC_H

#include "gstrfdnmosaic.h"
#include "util.h"

G_BEGIN_DECLS

/* Microseconds: more than any picture takes, and a time that does not come. */
#define HOUR ((gint64) 3600 * G_USEC_PER_SEC)
#define NEVER (G_MAXINT64 / 4)

/** An empty picture of luma of 8 bits, and its only plane. */
Picture *new_gray (guint width, guint height);
RfdnPlane get_plane (Picture *picture);

/** A mosaic of such pictures; @small may be NULL. */
GstRfdnMosaic *new_mosaic (RfdnModel *model, RfdnModel *small, guint width, guint height);

/** Sets the times of pictures instead of measuring them: whole ones always take too long, @most
 * tiles are begun, and there is time for the smaller network or not. */
void foretell (GstRfdnMosaic *mosaic, guint most, gboolean small);

/** Enlarges a picture: until a time of g_get_monotonic_time(), or, with strength 1, within an hour,
 * which is too short if foretell() said so. */
GstRfdnWork run_by (GstRfdnMosaic *mosaic, Picture *in, Picture *out, const gboolean *same,
                    gint64 deadline, double strength);
GstRfdnWork run_late (GstRfdnMosaic *mosaic, Picture *in, Picture *out, const gboolean *same);

G_END_DECLS

#endif
