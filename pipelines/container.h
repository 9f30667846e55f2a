/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container can hold: by libav's tables of tags, and where these do not say, by asking the
 * muxer itself. No state; any thread.
 */
#pragma once

#include <glib.h>

#include <libavformat/avformat.h>

/* Whether the muxer takes a track of these parameters as players know it, without being asked for
 * experiments. Covers and attachments have functions of their own. */
gboolean tc_container_holds (const AVOutputFormat *container, const AVStream *stream);
/* The same for what an encoder makes, whose parameters are not yet known but for these. */
gboolean tc_container_holds_codec (const AVOutputFormat *container, enum AVCodecID codec);
/* The tag that the container has for the codec of `parameters`, theirs if that is one; 0:
 * whichever. */
guint32 tc_container_tag (const AVOutputFormat *container, const AVCodecParameters *parameters);
/* Matroska, or its part that is WebM. */
gboolean tc_container_is_matroska (const AVOutputFormat *container);
gboolean tc_container_holds_chapters (const AVOutputFormat *container);
/* Files beside the tracks: fonts and such. */
gboolean tc_container_holds_attachments (const AVOutputFormat *container);
/* The picture of the cover as such: as a track that is flagged so. */
gboolean tc_container_holds_cover (const AVOutputFormat *container, enum AVCodecID codec);
/* Whether its video has a frame rate and no times of its own. */
gboolean tc_container_counts_frames (const AVOutputFormat *container);
