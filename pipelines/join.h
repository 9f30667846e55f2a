/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The video of all parts, as one encoder would have given it.
 */
#pragma once

#include "partfile.h"

typedef struct _TcJoin TcJoin;

/* Checks every part, and that its header is that of `encoder`; the error names those that are
 * missing, damaged or of another job. `base`: what times are wanted in. */
TcJoin *tc_join_new (const TcManifest *manifest, const char *out, const AVCodecContext *encoder,
                     GError **error);
void tc_join_free (TcJoin *join);
gint64 tc_join_count_packets (const TcJoin *join);
/* 1: a packet, in the time base of `encoder`, decoding times growing over all parts; 0: the end;
 * -1: an error. */
int tc_join_next (TcJoin *join, AVPacket *packet, GError **error);
