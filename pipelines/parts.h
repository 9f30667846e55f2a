/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes parts: reads what they need of IN, and deals out the enlarged pictures to their files.
 *
 * Pictures are dealt out by their time behind the pipeline, and each part is encoded by an encoder
 * of its own, so that it makes no difference which of them one run makes.
 */
#pragma once

#include "input.h"
#include "manifest.h"
#include "options.h"
#include "video.h"

typedef struct _TcParts TcParts;

/* `wanted`: one for each part of the manifest, which are to be made. */
TcParts *tc_parts_new (const TcOptions *options, const TcManifest *manifest, const gboolean *wanted,
                       GError **error);
/* That of the frames from tc_parts_want() on, if it is not the manifest's. */
void tc_parts_set_time_base (TcParts *parts, AVRational base);
void tc_parts_free (TcParts *parts);

/* ---- reading, from one thread ---- */

/* The next frame as it is decoded. The film's first one always comes first: what frames are
 * converted to and how they are encoded goes by it. FALSE: there is none, or an error. */
gboolean tc_parts_read (TcParts *parts, AVFrame *frame, GError **error);
/* Whether a frame is to be enlarged, or was decoded for others' sake only. To be asked for every
 * one, in their order. */
gboolean tc_parts_want (TcParts *parts, const AVFrame *frame);
const TcInput *tc_parts_get_input (const TcParts *parts);

/* ---- writing, from another ---- */

/* Takes the next enlarged frame; NULL: there will be no more. FALSE with an error, also when a
 * signal asked to stop and the part that was in work is finished. */
gboolean tc_parts_write (TcParts *parts, TcVideo *video, AVFrame *frame, GError **error);
gboolean tc_parts_were_stopped (const TcParts *parts);
/* For the muxer that `video` writes to. */
gboolean tc_parts_add_packet (gpointer parts, AVPacket *packet, GError **error);
