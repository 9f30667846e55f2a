/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A finished part: the packets of its video in OUT.parts/K.nut, which any player shows, and its
 * record, OUT.parts/K.json: what it is made of and with, how much it holds, its checksum. The
 * record comes last; without one there is no part. Parts are counted from 0, as indexes of arrays
 * are in the engines that run them.
 */
#pragma once

#include "manifest.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct _TcPartWriter TcPartWriter;

/* `encoder`: its settings and header are those of the part. May be used from one thread. */
TcPartWriter *tc_part_writer_new (const TcManifest *manifest, const char *out, guint part,
                                  const AVCodecContext *encoder, GError **error);
/* Leaves `packet` as it is; its times are in the encoder's time base. */
gboolean tc_part_writer_add (TcPartWriter *writer, const AVPacket *packet, GError **error);
/* Makes sure that the part is on the disk, gives it its name, writes its record. */
gboolean tc_part_writer_commit (TcPartWriter *writer, GError **error);
/* What is not complete is removed. */
void tc_part_writer_free (TcPartWriter *writer);
/* Removes what writers that were killed have left; only while nobody writes. */
void tc_parts_clean (const char *out);
/* Removes the parts that the manifest lists, the manifest, and the folder if nothing else is in it.
 */
void tc_parts_remove (const char *out);

typedef struct {
  gint64 n_packets;
  gint64 n_bytes;
  gint64 first_dts;  /* what the times in the file are counted from */
  guint reorder;     /* by how many packets one may come later than it is shown */
  GArray *durations; /* pairs of gint64: how many packets, and how long each is shown */
} TcPartRecord;

typedef enum { TC_PART_WHOLE, TC_PART_MISSING, TC_PART_FOREIGN, TC_PART_DAMAGED } TcPartState;

/* Reads the record, and all of the file where `sum`. Unless the part is whole, `error` says in one
 * line why not, and `record` is empty. */
TcPartState tc_part_check (const TcManifest *manifest, const char *out, guint part, gboolean sum,
                           TcPartRecord *record, GError **error);
void tc_part_record_clear (TcPartRecord *record);

typedef struct _TcPartReader TcPartReader;

/* `base`: what times are wanted in, that which they were written in. */
TcPartReader *tc_part_reader_new (const char *out, guint part, const TcPartRecord *record,
                                  AVRational base, GError **error);
/* The codec's header. */
const AVCodecParameters *tc_part_reader_get_codec (const TcPartReader *reader);
/* 1: a packet, without a dts; 0: the end; -1: an error. */
int tc_part_reader_next (TcPartReader *reader, AVPacket *packet, GError **error);
void tc_part_reader_free (TcPartReader *reader);
