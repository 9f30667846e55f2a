/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job's inside, for job.c, which does it in one piece, and partjob.c, which does it in parts.
 */
#pragma once

#include "deinterlace.h"
#include "input.h"
#include "job.h"
#include "muxer.h"
#include "parts.h"
#include "tracks.h"
#include "upscale.h"
#include "video.h"

typedef struct {
  const TcOptions *options;
  TcInput input;
  TcMuxer *muxer;
  TcTracks *tracks;
  TcVideo *video;
  TcDeinterlace *deinterlace;
  TcUpscale *upscale;
  TcParts *parts; /* NULL: all goes to `video` */
  gboolean quiet; /* only tries out whether it can be done */
  gint64 n_total; /* frames that there will be, about; 0: not known */
  AVPacket *packet;
  AVFrame *frame;
  GThread *encoding;
  GError *encoding_error; /* of that thread, read after it has ended */
  gint64 n_pushed;
} Job;

/* Opens IN; OUT with its tracks, or what `muxer` is. */
gboolean tc_job_open (Job *job, GError **error);
/* Passes on one decoded frame, of which nothing is left; NULL: what deinterlacing still has. The
 * first one starts the pipeline and the encoder. */
gboolean tc_job_push (Job *job, AVFrame *frame, GError **error);
/* No more will come, after a failure if not `ok`. Both threads have come to an end when it returns,
 * but the encoder is not drained. */
gboolean tc_job_end (Job *job, gboolean ok, GError **error);
void tc_job_tell_end (const TcOptions *options, const TcInput *input);
void tc_job_tell_damage (const TcOptions *options, const TcInput *input);
void tc_job_clear (Job *job);
